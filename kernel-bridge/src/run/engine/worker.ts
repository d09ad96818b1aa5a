/**
 * The thread that runs onnxruntime. `run` and `create` block their thread although they return promises, so inference on
 * the main thread would stall comms, interrupts and the heartbeat.
 */
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import type { Measurement, Request, Response, TensorValue } from './messages';
import { WorkerState } from './worker-state';

interface LoadedSession {
  session: ort.InferenceSession;
  /** Tensors kept for the next run, by cache and input. */
  caches: Map<number, Record<string, ort.Tensor>>;
}

const sessions = new Map<number, LoadedSession>();
const port = parentPort!;
const state = new WorkerState(workerData as Int32Array<SharedArrayBuffer>);

// Requests are served in order: a session exists before it is run.
let tail: Promise<void> = Promise.resolve();
port.on('message', (request: Request) => {
  tail = tail.then(async () => {
    if (!state.stopped) {
      await serve(request);
    }
    state.end();
  });
});
// onnxruntime is loaded.
state.end();

async function serve(request: Request): Promise<void> {
  const start = performance.now();
  try {
    const outputs = await handle(request);
    const response: Response = {
      id: request.id,
      outputs,
      milliseconds: performance.now() - start
    };
    port.postMessage(response, outputs ? transferables(outputs) : []);
  } catch (error) {
    const response: Response = {
      id: request.id,
      error: error instanceof Error ? error.message : String(error)
    };
    port.postMessage(response);
  }
}

async function handle(
  request: Request
): Promise<Record<string, TensorValue> | undefined> {
  switch (request.type) {
    case 'create': {
      const { bytes, path, folder, options } = request;
      const settings: ort.InferenceSession.SessionOptions = {
        executionProviders: ['cpu'],
        // Errors are thrown; warnings about edited shapes would only reach the terminal.
        logSeverityLevel: 4,
        graphOptimizationLevel: options.graphOptimization ?? 'all',
        ...(options.sideBySide
          ? { executionMode: 'parallel', interOpNumThreads: 2 }
          : {}),
        ...(options.profile === undefined
          ? {}
          : { enableProfiling: true, profileFilePrefix: options.profile }),
        ...(options.threads === undefined
          ? {}
          : { intraOpNumThreads: options.threads }),
        extra: {
          session: { model_external_initializers_file_folder_path: folder }
        }
      };
      const session = bytes
        ? await ort.InferenceSession.create(bytes, settings)
        : await ort.InferenceSession.create(path!, settings);
      sessions.set(request.session, { session, caches: new Map() });
      return undefined;
    }
    case 'run':
      return run(request);
    case 'forget':
      sessions.get(request.session)?.caches.delete(request.cache);
      return undefined;
    case 'end-profiling':
      sessions.get(request.session)?.session.endProfiling();
      return undefined;
    case 'release': {
      await sessions.get(request.session)?.session.release();
      sessions.delete(request.session);
      return undefined;
    }
  }
}

async function run({
  session: id,
  feeds: given,
  fetches,
  cache,
  rows,
  measure
}: Extract<Request, { type: 'run' }>): Promise<Record<string, TensorValue>> {
  const loaded = sessions.get(id);
  if (!loaded) {
    throw new Error('the session was released');
  }
  const feeds = {
    ...(cache && loaded.caches.get(cache.cache)),
    ...tensors(given)
  };
  const kept = cache?.keep ?? {};
  const results = await loaded.session.run(feeds, [
    ...fetches,
    ...Object.keys(kept)
  ]);
  // Before `pickRows`, which moves rows in place.
  const outputs = measure ? await measured(measure, results) : {};
  const next: Record<string, ort.Tensor> = {};
  for (const [name, tensor] of Object.entries(results)) {
    if (name in kept) {
      next[kept[name]] = tensor;
    } else {
      const value = valueOf(tensor);
      outputs[name] = rows?.[name] ? pickRows(value, rows[name]) : value;
    }
  }
  if (cache) {
    loaded.caches.set(cache.cache, next);
  }
  return outputs;
}

async function measured(
  { session, reads, feeds, fetches }: Measurement,
  results: ort.InferenceSession.ReturnType
): Promise<Record<string, TensorValue>> {
  const loaded = sessions.get(session);
  if (!loaded) {
    throw new Error('the session that measures was released');
  }
  const inputs = tensors(feeds);
  for (const [input, output] of Object.entries(reads)) {
    inputs[input] = results[output];
  }
  const outputs = await loaded.session.run(inputs, fetches);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, valueOf(tensor)])
  );
}

function tensors(
  given: Record<string, TensorValue>
): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(given).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims)
    ])
  );
}

function valueOf(tensor: ort.Tensor): TensorValue {
  return {
    type: tensor.type as TensorValue['type'],
    dims: [...tensor.dims],
    data: tensor.data as TensorValue['data']
  };
}

/** Keeps one token of each batch entry of [batch, tokens, width]; other outputs stay unchanged. */
function pickRows(
  { type, dims, data }: TensorValue,
  rows: readonly number[]
): TensorValue {
  if (dims.length !== 3 || dims[0] !== rows.length) {
    return { type, dims, data };
  }
  const [batch, tokens, width] = dims;
  rows.forEach((row, entry) => {
    const start = (entry * tokens + row) * width;
    data.copyWithin(entry * width, start, start + width);
  });
  return { type, dims: [batch, width], data: data.slice(0, batch * width) };
}

function transferables(outputs: Record<string, TensorValue>): ArrayBuffer[] {
  return [
    ...new Set(
      Object.values(outputs).map(({ data }) => data.buffer as ArrayBuffer)
    )
  ];
}
