import type {
  Comm,
  CommMessage,
  JsonObject,
  KernelApi,
  SendOptions
} from '../../base/kernel-api';
import {
  COMM_TARGET,
  decodeView,
  insertBuffers,
  readFindingsState,
  readTraceFigure,
  type EncodedView,
  type RoutingSample
} from '../../base/protocol';
import type { Router } from '../../routing/convention';
import { RoutingTrace } from '../../run/trace/routing-trace';
import { serveSessions } from './channel';
import type { ModelTool } from '../../views/tools/model-tool';
import { sessionStore, SessionStore, type ToolOpener } from '../../api/store';

const SAMPLE: RoutingSample = {
  id: 'a',
  tokens: [{ position: 0, id: 7 }],
  layers: [
    {
      layer: 2,
      experts: 2,
      topK: 1,
      score: 'softmax',
      logitsAre: 'logits',
      logits: Float32Array.of(1, 3),
      selected: Int32Array.of(1),
      weights: Float32Array.of(0.875)
    }
  ]
};

const trace = (id: string, samples = [SAMPLE]): RoutingTrace =>
  new RoutingTrace({
    id,
    model: 'tiny',
    samples,
    moeLayers: 1,
    timing: { inference: 0 }
  });

const ROUTER: Router = {
  layer: 2,
  experts: 8,
  topK: 2,
  convention: { score: 'softmax', scoreBeforeTopK: true, renormalized: true },
  pattern: '',
  tensors: {
    logits: 'l',
    logitsAre: 'logits',
    selected: ['s'],
    weights: ['w']
  },
  sharedExperts: 0,
  selectors: []
};
const MODEL = {
  id: 'm',
  name: 'tiny',
  path: 'tiny/model.onnx',
  routers: [ROUTER]
};

/** The panel's end of a comm, as a kernel would open it. */
class FakeComm implements Comm {
  readonly commId = 'c';
  readonly targetName = COMM_TARGET;
  closed = false;
  readonly sent: { data: JsonObject; options?: SendOptions }[] = [];
  private _message?: (message: CommMessage) => void | Promise<void>;
  private _close?: () => void;

  send({ messageId, ...data }: JsonObject, options?: SendOptions): void {
    this.sent.push({ data, options });
    expect(messageId).toBe(this.sent.length);
  }

  close(): void {
    this.closed = true;
    this._close?.();
  }

  onMessage(
    callback: (message: CommMessage) => void | Promise<void>
  ): () => void {
    this._message = callback;
    return () => undefined;
  }

  onClose(callback: () => void): () => void {
    this._close = callback;
    return () => undefined;
  }

  receive(data: JsonObject): void {
    void this._message?.({ data, metadata: {}, buffers: [] });
  }

  get types(): unknown[] {
    return this.sent.map(({ data }) => data.type);
  }
}

/** The part of a tool that the channel uses. */
class FakeTool {
  readonly name = 'experts';
  readonly whole = { running: false, acted: 0, queued: false };
  readonly actions: unknown[] = [];
  readonly offered: unknown[] = [];
  cancelled = false;
  tell: (patch: object, reception?: object) => void = () => undefined;

  act(action: unknown): void {
    this.actions.push(action);
  }

  offer(trace: unknown): void {
    this.offered.push(trace);
  }

  onChange(listener: (patch: object, reception?: object) => void): () => void {
    this.tell = listener;
    return () => {
      this.tell = () => undefined;
    };
  }

  async cancel(): Promise<void> {
    this.cancelled = true;
  }
}

function opener(tool?: FakeTool): ToolOpener {
  return () => (tool ?? new FakeTool()) as unknown as ModelTool;
}

function connect(): FakeComm {
  const comm = new FakeComm();
  const registerTarget: KernelApi['registerTarget'] = (target, callback) => {
    expect(target).toBe('moe-debugger');
    void callback(comm, { data: {}, metadata: {}, buffers: [] });
    return () => undefined;
  };
  serveSessions({ registerTarget } as KernelApi);
  return comm;
}

const settled = (): Promise<void> =>
  new Promise(resolve => setImmediate(() => setImmediate(resolve)));

describe('SessionStore', () => {
  it('lists models in loading order, and traces newest first', () => {
    const store = new SessionStore();
    store.addModel(MODEL);
    store.addModel({ ...MODEL, id: 'n', name: 'other' });
    store.addTrace(trace('1'), 'm', 'def fib(n):');
    store.addTrace(trace('2'), 'm', 'x'.repeat(200));
    expect(store.models.map(({ id }) => id)).toEqual(['m', 'n']);
    expect(store.models[0]).toEqual({
      id: 'm',
      name: 'tiny',
      path: 'tiny/model.onnx',
      layers: ['layer 2'],
      experts: 8,
      topK: 2,
      status: 'ready'
    });
    expect(store.traces.map(({ id }) => id)).toEqual(['2', '1']);
    expect(store.traces[0].label).toHaveLength(80);
    expect(store.traces[1]).toMatchObject({
      modelId: 'm',
      label: 'def fib(n):',
      samples: 1,
      coverage: { tokens: 1, slots: 1 }
    });
  });

  it('keeps the hundred newest traces', () => {
    const store = new SessionStore();
    for (let i = 0; i < 130; i++) {
      store.addTrace(trace(String(i)), 'm', '');
    }
    expect(store.traces).toHaveLength(100);
    expect(store.traces[99].id).toBe('30');
    expect(store.trace('29')).toBeUndefined();
    store.clear();
    expect(store.traces).toEqual([]);
  });

  it('notifies listeners of each change until they unsubscribe', () => {
    const store = new SessionStore();
    const heard = jest.fn();
    const stop = store.onChange(heard);
    store.addModel(MODEL);
    store.setStatus('m', 'running');
    stop();
    store.setStatus('m', 'ready');
    expect(heard).toHaveBeenCalledTimes(2);
    expect(store.models[0].status).toBe('ready');
  });

  it('leaves a disposed model disposed', () => {
    const store = new SessionStore();
    store.addModel(MODEL);
    store.setStatus('m', 'disposed');
    store.setStatus('m', 'ready');
    expect(store.models[0].status).toBe('disposed');
  });
});

describe('the session channel', () => {
  beforeEach(() => sessionStore().clear());

  it('greets a panel and sends the current state', () => {
    const comm = connect();
    expect(comm.types).toEqual(['hello', 'state']);
    expect(comm.sent[0].data).toMatchObject({ version: 1 });
    comm.close();
  });

  it('sends one state for a burst of changes', async () => {
    const comm = connect();
    for (let i = 0; i < 20; i++) {
      sessionStore().addTrace(trace(String(i)), 'm', '');
    }
    await settled();
    expect(comm.types).toEqual(['hello', 'state', 'state']);
    expect((comm.sent[2].data.traces as unknown[]).length).toBe(20);
    comm.close();
  });

  it('sends nothing to a hidden panel, and everything when it is shown again', async () => {
    const comm = connect();
    comm.receive({ type: 'unsubscribe' });
    sessionStore().addTrace(trace('1'), 'm', '');
    await settled();
    expect(comm.types).toEqual(['hello', 'state']);
    comm.receive({ type: 'subscribe' });
    expect(comm.types).toEqual(['hello', 'state', 'state']);
    expect(comm.sent[2].data.traces).toHaveLength(1);
    comm.close();
  });

  it('sends nothing to a closed panel', async () => {
    const comm = connect();
    comm.close();
    sessionStore().addTrace(trace('1'), 'm', '');
    await settled();
    expect(comm.types).toEqual(['hello', 'state']);
  });

  it('diagnoses a stored trace, and reports a missing one', () => {
    const comm = connect();
    sessionStore().addTrace(trace('1'), 'm', '');
    comm.receive({ type: 'diagnose', request: 7, id: '1' });
    comm.receive({ type: 'diagnose', request: 8, id: 'gone' });
    const [found, gone] = comm.sent.slice(-2).map(({ data }) => data);
    expect(gone).toMatchObject({ type: 'findings-error', request: 8 });
    expect(found).toMatchObject({ type: 'findings', request: 7 });
    // One token is not evidence for anything.
    const { found: told } = readFindingsState(found.state);
    expect(told).toMatchObject({ model: 'tiny', tokens: 1, findings: [] });
    expect(told.undecided.length).toBeGreaterThan(0);
    comm.close();
  });

  it('draws a stored trace, and reports why it cannot draw', () => {
    const comm = connect();
    sessionStore().addTrace(trace('1'), 'm', '');
    const ask = (asked: object): Record<string, unknown> => {
      comm.receive({
        type: 'draw',
        request: 9,
        id: '1',
        name: 'loads',
        layerIndex: 0,
        ...asked
      });
      return comm.sent.at(-1)!.data;
    };
    const drawn = ask({});
    expect(drawn).toMatchObject({ type: 'figure', request: 9 });
    const figure = readTraceFigure(JSON.parse(JSON.stringify(drawn.state)));
    const { experts, selected } = SAMPLE.layers[0];
    expect(figure.drawing.kind === 'intervals' && figure.drawing.rows).toEqual(
      Array.from({ length: experts }, (_, expert) =>
        expect.objectContaining({
          expert,
          selections: Array.from(selected).filter(e => e === expert).length
        })
      )
    );
    for (const [asked, message] of [
      [{ id: 'gone' }, /no longer kept/],
      [{ name: 'toString' }, /no figure "toString"/],
      [{ layerIndex: 4 }, /layer index 4 is out of range/],
      [{ layerIndex: '__proto__' }, /layerIndex is not a count/],
      [{ name: 'domains' }, /no sample of the trace has a domain/]
    ] as const) {
      expect(ask(asked)).toMatchObject({
        type: 'figure-error',
        request: 9,
        message: expect.stringMatching(message) as string
      });
    }
    comm.close();
  });

  it('sends a trace with its arrays as buffers', () => {
    const comm = connect();
    sessionStore().addTrace(trace('1'), 'm', '');
    comm.receive({ type: 'get-trace', request: 5, id: '1' });
    const { data, options } = comm.sent.at(-1)!;
    expect(data).toMatchObject({ type: 'trace', request: 5 });
    const view = JSON.parse(JSON.stringify(data.view)) as EncodedView;
    insertBuffers(view, data.bufferPaths, options!.buffers!);
    expect(decodeView(view).samples).toEqual([SAMPLE]);
    comm.close();
  });

  it('sends the first prompts of a long trace and reports it', () => {
    const comm = connect();
    sessionStore().addTrace(
      trace(
        '1',
        Array.from({ length: 70 }, () => SAMPLE)
      ),
      'm',
      ''
    );
    comm.receive({ type: 'get-trace', request: 1, id: '1' });
    const view = comm.sent.at(-1)!.data.view as EncodedView;
    expect(view.samples).toHaveLength(64);
    expect(view.truncated).toBe('the first 64 of 70 prompts');
    comm.close();
  });

  it('opens a tool, forwards its messages, and closes it with the panel', () => {
    const tool = new FakeTool();
    sessionStore().addModel({ ...MODEL, openTool: opener(tool) });
    const comm = connect();
    const open = { type: 'open-tool', tool: 7, name: 'experts', modelId: 'm' };
    comm.receive(open);
    expect(comm.sent.at(-1)!.data).toEqual({
      type: 'tool',
      tool: 7,
      patch: { running: false, acted: 0, queued: false }
    });
    comm.receive({ type: 'act', tool: 7, action: { do: 'dance' } });
    expect(tool.actions).toEqual([{ do: 'dance' }]);
    tool.tell({ running: true }, { acted: 1, queued: true });
    expect(comm.sent.at(-1)!.data.patch).toEqual({
      running: true,
      acted: 1,
      queued: true
    });
    sessionStore().addTrace(trace('1'), 'm', '');
    expect(tool.offered).toHaveLength(1);
    comm.close();
    const said = comm.sent.length;
    tool.tell({ running: false });
    expect(tool.cancelled).toBe(true);
    expect(comm.sent).toHaveLength(said);
  });

  it('reports why a tool does not open', () => {
    const comm = connect();
    sessionStore().addModel({ ...MODEL, openTool: opener() });
    const open = (more: object): unknown => {
      comm.receive({
        type: 'open-tool',
        tool: 1,
        name: 'experts',
        modelId: 'm',
        ...more
      });
      return comm.sent.at(-1)!.data;
    };
    const refusal = (tool: number, message: RegExp): unknown => ({
      type: 'tool-error',
      tool,
      message: expect.stringMatching(message) as string
    });
    expect(open({ name: 'constructor' })).toEqual(refusal(1, /no tool/));
    expect(open({ modelId: 'gone' })).toEqual(refusal(1, /no longer loaded/));
    expect(open({ tool: '__proto__' })).toEqual(
      refusal(-1, /tool is not a count/)
    );
    comm.receive({ type: 'act', tool: 3, action: {} });
    expect(comm.sent.at(-1)!.data).toEqual(refusal(3, /not open/));
    expect(open({})).toMatchObject({ type: 'tool' });
    expect(open({})).toEqual(refusal(1, /too many/));
    for (let tool = 2; tool < 17; tool++) {
      open({ tool });
    }
    expect(open({ tool: 99 })).toEqual(refusal(99, /too many/));
    sessionStore().setStatus('m', 'disposed');
    comm.receive({ type: 'close-tool', tool: 2 });
    expect(open({ tool: 2 })).toEqual(refusal(2, /no longer loaded/));
    comm.close();
  });

  it('replies to an unsupported message with an error that names it', () => {
    const comm = connect();
    comm.receive({ type: 'get-trace', request: 9, id: 'gone' });
    comm.receive({ type: 'dance' });
    comm.receive({});
    expect(comm.sent.slice(2).map(({ data }) => data)).toEqual([
      {
        type: 'error',
        request: 9,
        message: expect.stringMatching(/no longer kept/) as string
      },
      { type: 'error', message: 'unknown message "dance"' },
      {
        type: 'error',
        message: expect.stringMatching(/unknown message/) as string
      }
    ]);
    comm.close();
  });
});
