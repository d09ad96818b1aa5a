/** A follower of a kernel that writes: what it draws, and what it says to the kernel. */
import { Preferences } from '../preferences';
import type { RoutingModel } from '../routing/model';
import { sample } from '../testing/documents';
import {
  DECODED,
  fakeSession,
  hello,
  state,
  traceSummary,
  type FakeComm
} from '../testing/fake-kernel';
import { KernelFollower } from './follower';

function setUp() {
  const { kernel, context, setStatus } = fakeSession();
  const follower = new KernelFollower({
    sessionContext: context,
    preferences: new Preferences()
  });
  return { kernel, follower, setStatus };
}

const running = (id: string) =>
  state([], [traceSummary(id, { running: true })]);

const requests = (comm: FakeComm) => comm.of('get-trace');

describe('a trace in the making', () => {
  function followed() {
    const parts = setUp();
    parts.follower.active = true;
    const { comm } = parts.kernel;
    comm.receive(hello({ tools: ['live'] }));
    comm.receive(running('live'));
    const [{ request, follow }] = requests(comm);
    expect(follow).toBe(true);
    comm.sendTrace('live', request as number);
    return { ...parts, comm, routing: parts.follower.routing! };
  }

  const tokens = (routing: RoutingModel) => routing.tokens(0).length;

  it('grows by the rows that the kernel sends, without a redrawn panel', () => {
    const { follower, comm, routing } = followed();
    let changes = 0;
    follower.changed.connect(() => changes++);
    const seen: string[] = [];
    routing.changed.connect((_, change) => seen.push(change));
    comm.sendRow(1);
    comm.sendRow(2, { from: 4 });
    expect(tokens(routing)).toBe(5);
    expect(routing.tokens(0)[4]).toMatchObject({ position: 4, text: 'new' });
    expect(routing.read({ pane: 0, token: 4, expert: 2 })).toMatchObject({
      weight: 0.5
    });
    expect(seen).toEqual(['rows', 'rows']);
    expect(changes).toBe(0);
    expect(routing.isLive).toBe(true);
    expect(routing.steps).toEqual([DECODED, DECODED]);
    // A list that grew is no reason to fetch.
    comm.receive(running('live'));
    expect(requests(comm)).toHaveLength(1);
  });

  it('is fetched once more when it is finished', () => {
    const { comm, routing } = followed();
    comm.sendRow(1);
    comm.receive(state([], [traceSummary('live')]));
    const last = requests(comm).at(-1)!;
    expect(requests(comm)).toHaveLength(2);
    expect(last.follow).toBeUndefined();
    comm.sendTrace('live', last.request as number);
    expect([routing.isLive, tokens(routing)]).toEqual([false, 3]);
  });

  it('is fetched anew where rows are missing', () => {
    const { comm, routing } = followed();
    comm.sendRow(2, { from: 4 });
    const again = requests(comm).at(-1)!;
    expect(requests(comm)).toHaveLength(2);
    expect(again).toMatchObject({ id: 'live', follow: true });
    // Until then its rows are not drawn.
    comm.sendRow(3, { from: 3 });
    expect(tokens(routing)).toBe(3);
    comm.sendTrace('live', again.request as number);
    comm.sendRow(1);
    expect(tokens(routing)).toBe(4);
  });

  it('says to the kernel what it has drawn', () => {
    jest.useFakeTimers();
    try {
      const { comm } = followed();
      comm.sendRow(1);
      comm.sendRow(2, { from: 4 });
      jest.advanceTimersByTime(200);
      expect(comm.sent.filter(({ type }) => type === 'drawn')).toEqual([
        { type: 'drawn', id: 'live', batch: 2 }
      ]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('is left for another one that the user selects', () => {
    const { follower, comm, routing } = followed();
    comm.receive(
      state([], [traceSummary('live', { running: true }), traceSummary('old')])
    );
    follower.select('old');
    expect(comm.sent).toContainEqual({ type: 'unfollow', id: 'live' });
    comm.sendTrace('old');
    comm.sendRow(1);
    expect([tokens(routing), routing.isLive]).toEqual([3, false]);
  });

  it('is fetched again by a panel that was hidden meanwhile', () => {
    const { follower, comm } = followed();
    follower.active = false;
    follower.active = true;
    comm.receive(running('live'));
    expect(requests(comm)).toHaveLength(2);
    expect(requests(comm)[1]).toMatchObject({ id: 'live', follow: true });
  });

  it('ends with its kernel, and with an error in the kernel', () => {
    const { follower, comm, routing, setStatus } = followed();
    comm.sendRow(1);
    setStatus('restarting');
    expect([routing.isLive, follower.isStale]).toEqual([false, true]);
    expect(tokens(routing)).toBe(4);
    const other = followed();
    other.comm.receive(state([], []));
    expect(other.routing.isLive).toBe(false);
  });

  it('stops at rows that do not fit, and says so', () => {
    const { follower, comm, routing } = followed();
    comm.sendRow(1, { layers: sample('').layers.slice(0, 1) });
    expect(follower.error).toContain('rows of another trace');
    expect(tokens(routing)).toBe(3);
    expect(comm.sent).toContainEqual({ type: 'unfollow', id: 'live' });
    comm.sendRow(2);
    expect(tokens(routing)).toBe(3);
  });

  it('survives rows that are none', () => {
    const { follower, comm } = followed();
    comm.receive({ type: 'rows', batch: 1, rows: 5, bufferPaths: [] });
    expect(follower.error).toBeTruthy();
  });
});
