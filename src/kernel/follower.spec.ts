import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import {
  KERNEL_NAME,
  PROTOCOL_VERSION,
  encodeSample,
  extractBuffers
} from 'moe-debugger/protocol';
import { Preferences } from '../preferences';
import { sample } from '../testing/documents';
import { KernelFollower } from './follower';

/** A front-end kernel connection that records its messages. */
class FakeKernel {
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

class FakeComm {
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
}

function setUp() {
  const kernel = new FakeKernel();
  const context = {
    session: { kernel } as { kernel: FakeKernel | null }
  } as Record<string, unknown> & { session: { kernel: FakeKernel | null } };
  const signals = {
    kernelChanged: new Signal<object, void>(context),
    statusChanged: new Signal<object, void>(context),
    connectionStatusChanged: new Signal<object, void>(context)
  };
  const follower = new KernelFollower({
    sessionContext: Object.assign(
      context,
      signals
    ) as unknown as ISessionContext,
    preferences: new Preferences()
  });
  const setStatus = (status: string) => {
    kernel.status = status;
    signals.statusChanged.emit();
  };
  return { kernel, context, signals, follower, setStatus };
}

const summary = (id: string) => ({
  id,
  modelId: 'm',
  model: 'demo',
  label: id,
  samples: 1,
  coverage: { moeLayers: 2, layersCaptured: 2, tokens: 3, slots: 12 },
  created: 1
});

const hello = (version = PROTOCOL_VERSION) => ({
  type: 'hello',
  version,
  package: '0.1.0'
});
const state = (...ids: string[]) => ({
  type: 'state',
  models: [],
  traces: ids.map(summary)
});

function sendTrace(comm: FakeComm, request: number, id: string): void {
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
  comm.receive({ type: 'trace', request, view, bufferPaths }, buffers);
}

const requests = (comm: FakeComm) =>
  comm.sent.filter(({ type }) => type === 'get-trace');

describe('KernelFollower', () => {
  it('opens no comm until the panel is shown', () => {
    const { kernel, follower } = setUp();
    expect(kernel.comms).toHaveLength(0);
    follower.active = true;
    expect(kernel.comm.sent).toEqual([
      { type: 'open', version: PROTOCOL_VERSION }
    ]);
    expect(follower.status).toBe('connecting');
    kernel.comm.receive(hello());
    expect(follower.status).toBe('ready');
    follower.active = false;
    expect(kernel.comm.sent.at(-1)).toEqual({ type: 'unsubscribe' });
    follower.active = true;
    expect(kernel.comm.sent.at(-1)).toEqual({ type: 'subscribe' });
  });

  it('keeps what the kernel says of the one before it', () => {
    const { kernel, follower } = setUp();
    follower.active = true;
    kernel.comm.receive({ ...hello(), previousEnd: 'It was killed.' });
    expect(follower.previousEnd).toBe('It was killed.');
    // Not a text: the kernel is not trusted.
    kernel.comm.receive({ ...hello(), previousEnd: { html: '<b>' } });
    expect(follower.previousEnd).toBeUndefined();
  });

  it('fetches the newest trace and drops an outdated answer', () => {
    const { kernel, follower } = setUp();
    follower.active = true;
    const { comm } = kernel;
    comm.receive(hello());
    comm.receive(state('one'));
    comm.receive(state('two', 'one'));
    const [first, second] = requests(comm);
    expect([first.id, second.id]).toEqual(['one', 'two']);
    sendTrace(comm, second.request as number, 'two');
    sendTrace(comm, first.request as number, 'one');
    expect(follower.routing?.sample(0).id).toBe('two');
    comm.receive(state('two', 'one'));
    expect(requests(comm)).toHaveLength(2);
  });

  it('stays at an older trace that the user chose', () => {
    const { kernel, follower } = setUp();
    follower.active = true;
    const { comm } = kernel;
    comm.receive(hello());
    comm.receive(state('two', 'one'));
    follower.select('one');
    comm.receive(state('three', 'two', 'one'));
    expect(requests(comm).map(({ id }) => id)).toEqual(['two', 'one']);
    expect(follower.selected).toBe('one');
  });

  it('keeps the picture after a restart, marked as stale', () => {
    const { kernel, follower, setStatus } = setUp();
    follower.active = true;
    const old = kernel.comm;
    old.receive(hello());
    old.receive(state('one'));
    sendTrace(old, requests(old)[0].request as number, 'one');
    setStatus('restarting');
    expect([follower.status, follower.isStale]).toEqual(['restarting', true]);
    expect(follower.traces).toEqual([]);
    setStatus('idle');
    expect(kernel.comms).toHaveLength(2);
    kernel.comm.receive(hello());
    kernel.comm.receive(state());
    old.receive(state('ghost'));
    expect(follower.traces).toEqual([]);
    expect(follower.routing?.sample(0).id).toBe('one');
    kernel.comm.receive(state('new'));
    sendTrace(kernel.comm, requests(kernel.comm)[0].request as number, 'new');
    expect([follower.isStale, follower.routing?.sample(0).id]).toEqual([
      false,
      'new'
    ]);
  });

  it('opens another comm when a restart dropped the first one', () => {
    const { kernel, follower, setStatus } = setUp();
    follower.active = true;
    kernel.comm.isDisposed = true;
    setStatus('idle');
    expect(kernel.comms).toHaveLength(2);
  });

  it('says which kernels it cannot follow', () => {
    const { kernel, context, signals, follower } = setUp();
    follower.active = true;
    kernel.comm.receive(hello(99));
    expect([follower.status, follower.kernelVersion]).toEqual(['version', 99]);
    kernel.comm.receive(state('one'));
    expect(follower.traces).toEqual([]);
    kernel.name = 'python3';
    signals.kernelChanged.emit();
    expect(follower.status).toBe('other-kernel');
    context.session.kernel = null;
    signals.kernelChanged.emit();
    expect(follower.status).toBe('no-kernel');
  });

  it('does not connect again to a kernel that closed the comm', () => {
    const { kernel, follower, setStatus } = setUp();
    follower.active = true;
    kernel.comm.onClose();
    expect(follower.status).toBe('closed');
    setStatus('busy');
    setStatus('idle');
    expect(kernel.comms).toHaveLength(1);
  });

  it.each([
    ['a list that is none', { type: 'state', models: 'x', traces: [] }],
    [
      'a path into the prototype',
      {
        type: 'trace',
        request: 1,
        view: {},
        bufferPaths: [['__proto__', 'x']]
      }
    ],
    [
      'a view that is none',
      { type: 'trace', request: 1, view: 7, bufferPaths: [] }
    ]
  ])('survives %s', (_, message) => {
    const { kernel, follower } = setUp();
    follower.active = true;
    kernel.comm.receive(hello());
    kernel.comm.receive(state('one'));
    kernel.comm.receive(
      message,
      'bufferPaths' in message && message.bufferPaths.length
        ? [new Uint8Array(4)]
        : []
    );
    expect(follower.error).toBeDefined();
    expect(follower.routing).toBeUndefined();
    kernel.comm.receive(state('two'));
    expect(follower.traces[0].id).toBe('two');
  });

  it('can be disposed twice', () => {
    const { kernel, follower } = setUp();
    follower.active = true;
    const { comm } = kernel;
    follower.dispose();
    follower.dispose();
    expect(comm.isDisposed).toBe(true);
  });
});
