/** A kernel that a test controls, as the page sees it: a session, its kernel and the comm of the side panel. */
import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import {
  KERNEL_NAME,
  PROTOCOL_VERSION,
  encodeRows,
  encodeSample,
  extractBuffers,
  type RoutingLayer,
  type RunStep
} from 'moe-debugger/protocol';
import { sample } from './documents';

/** A front-end kernel connection that records its messages. */
export class FakeKernel {
  name = KERNEL_NAME;
  status = 'idle';
  connectionStatus = 'connected';
  comms: FakeComm[] = [];

  createComm(): FakeComm {
    const comm = new FakeComm();
    this.comms.push(comm);
    return comm;
  }

  get comm(): FakeComm {
    return this.comms[this.comms.length - 1];
  }
}

export class FakeComm {
  isDisposed = false;
  sent: Record<string, unknown>[] = [];
  onMsg: (message: object) => void = () => undefined;
  onClose: () => void = () => undefined;
  private _future = { done: Promise.resolve() };

  open(data: Record<string, unknown>): object {
    this.sent.push({ type: 'open', ...data });
    return this._future;
  }
  send(data: Record<string, unknown>): object {
    this.sent.push(data);
    return this._future;
  }
  close(): object {
    this.isDisposed = true;
    return this._future;
  }
  receive(data: object, buffers: ArrayBufferView[] = []): void {
    this.onMsg({ content: { data }, buffers });
  }

  /** The messages of a type that the page sent. */
  of(type: string): Record<string, unknown>[] {
    return this.sent.filter(message => message.type === type);
  }

  /** Answers the last request for a trace. */
  sendTrace(
    id: string,
    request = this.of('get-trace').at(-1)!.request as number
  ): void {
    const {
      state: view,
      bufferPaths,
      buffers
    } = extractBuffers({
      version: PROTOCOL_VERSION,
      view: 'explorer',
      model: 'demo',
      samples: [encodeSample(sample(id), { binary: true })],
      state: { layerIndex: 0, measure: 'weight' }
    });
    this.receive({ type: 'trace', request, view, bufferPaths }, buffers);
  }

  /** Sends one more token of the trace `live`, which takes experts 1 and 2 in each layer. */
  sendRow(
    batch: number,
    { from = 3, layers = sample('').layers }: ISentRow = {}
  ): void {
    const {
      state: rows,
      bufferPaths,
      buffers
    } = extractBuffers(
      encodeRows({
        trace: 'live',
        from,
        skipped: [],
        tokens: [{ position: from, id: 7, text: 'new' }],
        layers: layers.map(layer => ({
          ...layer,
          logits: new Float32Array(4),
          selected: Int32Array.of(1, 2),
          weights: Float32Array.of(0.5, 0.5)
        })),
        steps: [DECODED]
      })
    );
    this.receive({ type: 'rows', batch, rows, bufferPaths }, buffers);
  }
}

interface ISentRow {
  /** Tokens before it. */
  from?: number;
  layers?: RoutingLayer[];
}

/** The step of a row that `sendRow` sends. */
export const DECODED: RunStep = {
  phase: 'decode',
  tokens: 1,
  captured: 1,
  timestamp: 1000,
  milliseconds: 4
};

/** A session with such a kernel. */
export function fakeSession(): {
  kernel: FakeKernel;
  context: ISessionContext & { session: { kernel: FakeKernel | null } };
  signals: Record<
    'kernelChanged' | 'statusChanged' | 'connectionStatusChanged',
    Signal<object, void>
  >;
  setStatus: (status: string) => void;
} {
  const kernel = new FakeKernel();
  const context = {
    session: { kernel },
    kernelDisplayName: 'Python 3',
    specsManager: { specs: { kernelspecs: { [KERNEL_NAME]: {} } } }
  };
  const signals = {
    kernelChanged: new Signal<object, void>(context),
    statusChanged: new Signal<object, void>(context),
    connectionStatusChanged: new Signal<object, void>(context)
  };
  return {
    kernel,
    context: Object.assign(context, signals) as never,
    signals,
    setStatus: status => {
      kernel.status = status;
      signals.statusChanged.emit();
    }
  };
}

export const modelSummary = (
  id: string,
  more: object = {}
): Record<string, unknown> => ({
  id,
  name: `model ${id}`,
  path: `/models/${id}`,
  layers: ['layer 0', 'layer 2'],
  experts: 4,
  topK: 2,
  status: 'ready',
  ...more
});

export const traceSummary = (
  id: string,
  more: object = {}
): Record<string, unknown> => ({
  id,
  modelId: 'm',
  model: 'demo',
  label: id,
  samples: 1,
  coverage: { moeLayers: 2, layersCaptured: 2, tokens: 3, slots: 12 },
  created: 1,
  ...more
});

export const hello = (more: object = {}): object => ({
  type: 'hello',
  version: PROTOCOL_VERSION,
  package: '0.1.0',
  ...more
});

/** What is loaded and traced. */
export const state = (
  models: Record<string, unknown>[],
  traces: Record<string, unknown>[]
): object => ({ type: 'state', models, traces });
