/**
 * The thread that onnxruntime runs on. `run` and `create` block the thread that calls them, though they return
 * promises, so inference on the main thread would freeze comms, interrupts and the heartbeat.
 */
import { parentPort } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import type { Request, Response, TensorValue } from './messages';

const sessions = new Map<number, ort.InferenceSession>();
const port = parentPort!;

// Requests are served in the order they come: a session exists before it is run.
let tail: Promise<void> = Promise.resolve();
port.on('message', (request: Request) => {
  tail = tail.then(() => serve(request));
});

async function serve(request: Request): Promise<void> {
  const start = performance.now();
  try {
    const outputs = await handle(request);
    const response: Response = { id: request.id, outputs, milliseconds: performance.now() - start };
    port.postMessage(response, outputs ? transferables(outputs) : []);
  } catch (error) {
    const response: Response = { id: request.id, error: error instanceof Error ? error.message : String(error) };
    port.postMessage(response);
  }
}

async function handle(request: Request): Promise<Record<string, TensorValue> | undefined> {
  switch (request.type) {
    case 'create': {
      const { bytes, path, folder, options } = request;
      const settings: ort.InferenceSession.SessionOptions = {
        executionProviders: ['cpu'],
        // Errors come back as exceptions; warnings about edited shapes would only reach the terminal.
        logSeverityLevel: 4,
        graphOptimizationLevel: options.graphOptimization ?? 'all',
        ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
        extra: { session: { model_external_initializers_file_folder_path: folder } }
      };
      const session = bytes
        ? await ort.InferenceSession.create(bytes, settings)
        : await ort.InferenceSession.create(path!, settings);
      sessions.set(request.session, session);
      return undefined;
    }
    case 'run': {
      const session = sessions.get(request.session);
      if (!session) {
        throw new Error('the session was released');
      }
      const feeds: Record<string, ort.Tensor> = {};
      for (const [name, { type, data, dims }] of Object.entries(request.feeds)) {
        feeds[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims);
      }
      const results = await session.run(feeds, request.fetches);
      const outputs: Record<string, TensorValue> = {};
      for (const [name, tensor] of Object.entries(results)) {
        outputs[name] = {
          type: tensor.type as TensorValue['type'],
          dims: [...tensor.dims],
          data: tensor.data as TensorValue['data']
        };
      }
      return outputs;
    }
    case 'release': {
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return undefined;
    }
  }
}

function transferables(outputs: Record<string, TensorValue>): ArrayBuffer[] {
  return [...new Set(Object.values(outputs).map(({ data }) => data.buffer as ArrayBuffer))];
}
