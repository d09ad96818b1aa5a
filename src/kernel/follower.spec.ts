import { PROTOCOL_VERSION } from 'moe-debugger/protocol';
import { Preferences } from '../preferences';
import {
  fakeSession,
  hello,
  state as kernelState,
  traceSummary,
  type FakeComm
} from '../testing/fake-kernel';
import { KernelFollower } from './follower';

function setUp() {
  const { kernel, context, signals, setStatus } = fakeSession();
  const follower = new KernelFollower({
    sessionContext: context,
    preferences: new Preferences()
  });
  return { kernel, context, signals, follower, setStatus };
}

/** Traces alone. */
const state = (...ids: string[]) =>
  kernelState(
    [],
    ids.map(id => traceSummary(id))
  );

const requests = (comm: FakeComm) => comm.of('get-trace');

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
    kernel.comm.receive({
      ...hello(),
      previousEnd: { cause: 'exit', code: 3 }
    });
    expect(follower.previousEnd).toEqual({ cause: 'exit', code: 3 });
    // The kernel is not trusted.
    kernel.comm.receive({ ...hello(), previousEnd: { cause: '<b>' } });
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
    comm.sendTrace('two', second.request as number);
    comm.sendTrace('one', first.request as number);
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
    old.sendTrace('one', requests(old)[0].request as number);
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
    kernel.comm.sendTrace('new', requests(kernel.comm)[0].request as number);
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
    kernel.comm.receive(hello({ version: 99 }));
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
        view: {},
        bufferPaths: [['__proto__', 'x']]
      }
    ],
    ['a view that is none', { type: 'trace', view: 7, bufferPaths: [] }]
  ])('survives %s', (_, message) => {
    const { kernel, follower } = setUp();
    follower.active = true;
    kernel.comm.receive(hello());
    kernel.comm.receive(state('one'));
    const { request } = kernel.comm.of('get-trace').at(-1)!;
    kernel.comm.receive(
      { ...message, request },
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
