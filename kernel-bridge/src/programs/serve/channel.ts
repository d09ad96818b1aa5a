/** The kernel's end of the comm target `moe-debugger`: tells panels what is loaded and traced. */
import { version } from '../../base/package-version';
import type { Comm, JsonObject, KernelApi } from '../../base/kernel-api';
import {
  COMM_TARGET,
  encodeSample,
  extractBuffers,
  PROTOCOL_VERSION,
  TOOL_NAMES,
  type EncodedView,
  type FromKernel,
  type ToKernel
} from '../../base/protocol';
import { diagnoseStored } from './diagnosis';
import { drawStored } from './figures';
import { sessionStore } from '../../api/store';
import { ToolServer } from './tool-server';

/** Registers the comm target; panels connect when they like, and several at once. */
export function serveSessions(kernel: KernelApi): void {
  kernel.registerTarget(COMM_TARGET, comm => serveComm(comm));
}

function serveComm(comm: Comm): void {
  const store = sessionStore();
  let subscribed = true;
  let scheduled = false;
  const sendState = (): void => {
    scheduled = false;
    if (subscribed && !comm.closed) {
      send(comm, { type: 'state', models: store.models, traces: store.traces });
    }
  };
  // A cell may change much in one go; the panel needs only what it comes to.
  const stop = store.onChange(() => {
    if (subscribed && !scheduled) {
      scheduled = true;
      setImmediate(sendState);
    }
  });
  comm.onClose(stop);
  const answer = (message: FromKernel): void => {
    if (!comm.closed) {
      send(comm, message);
    }
  };
  const tools = new ToolServer(answer);
  comm.onClose(() => tools.dispose());
  comm.onMessage(({ data }) => {
    const message = data as Partial<ToKernel>;
    switch (message.type) {
      case 'subscribe':
        subscribed = true;
        sendState();
        break;
      case 'unsubscribe':
        subscribed = false;
        break;
      case 'get-trace':
        sendTrace(comm, Number(message.request), String(message.id));
        break;
      case 'diagnose':
        answer(diagnoseStored(Number(message.request), String(message.id)));
        break;
      case 'draw':
        answer(
          drawStored({
            ...(message as Extract<ToKernel, { type: 'draw' }>),
            request: Number(message.request)
          })
        );
        break;
      case 'open-tool':
      case 'act':
      case 'close-tool':
        return tools.receive(data);
      default:
        send(comm, {
          type: 'error',
          message: `unknown message ${JSON.stringify(message.type)?.slice(0, 40)}`
        });
    }
  });
  send(comm, {
    type: 'hello',
    version: PROTOCOL_VERSION,
    package: version,
    tools: [...TOOL_NAMES, 'findings', 'figures']
  });
  sendState();
}

/** Samples that a panel gets of one trace; it shows one at a time. */
const MAX_SAMPLES = 64;

function sendTrace(comm: Comm, request: number, id: string): void {
  const stored = sessionStore().trace(id);
  if (!stored) {
    send(comm, {
      type: 'error',
      request,
      message: 'this trace is no longer kept: run the cell again'
    });
    return;
  }
  const { samples, model } = stored.trace;
  const view: EncodedView = {
    version: PROTOCOL_VERSION,
    view: 'explorer',
    model,
    samples: samples
      .slice(0, MAX_SAMPLES)
      .map(sample => encodeSample(sample, { binary: true })),
    state: { layerIndex: 0, measure: 'weight' },
    ...(samples.length > MAX_SAMPLES
      ? { truncated: `the first ${MAX_SAMPLES} of ${samples.length} prompts` }
      : {})
  };
  const { state, bufferPaths, buffers } = extractBuffers(view);
  send(
    comm,
    { type: 'trace', request, view: state as EncodedView, bufferPaths },
    buffers
  );
}

function send(
  comm: Comm,
  message: FromKernel,
  buffers: ArrayBufferView[] = []
): void {
  comm.send(message as unknown as JsonObject, { buffers });
}
