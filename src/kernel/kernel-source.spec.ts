import {
  PROTOCOL_VERSION,
  encodeOutline,
  encodeSample,
  encodeTokenPage,
  extractBuffers
} from 'moe-debugger/protocol';
import { Selection } from '../source';
import { Preferences } from '../preferences';
import {
  fakeSession,
  hello,
  modelSummary,
  state,
  traceSummary
} from '../testing/fake-kernel';
import { sample } from '../testing/documents';
import { OUTLINE, page } from '../testing/fake-source';
import { KernelFollower } from './follower';
import { KernelSource } from './kernel-source';
import { LinkedSelection } from './linked-selection';

const settle = () => new Promise<void>(resolve => setTimeout(resolve));

function connected() {
  const session = fakeSession();
  const follower = new KernelFollower({
    sessionContext: session.context,
    preferences: new Preferences()
  });
  const source = new KernelSource({ follower, name: () => 'a.ipynb' });
  follower.active = true;
  const { comm } = session.kernel;
  comm.receive(hello({ tools: ['tokens', 'findings'] }));
  const answer = (type: string, asked: string, value: unknown): void => {
    const { state: body, bufferPaths, buffers } = extractBuffers(value);
    comm.receive(
      {
        type,
        request: comm.of(asked).at(-1)!.request,
        state: body,
        bufferPaths
      },
      buffers
    );
  };
  return { ...session, follower, source, comm, answer };
}

const QUESTION = {
  filter: '',
  order: 'position' as const,
  layerIndex: 0,
  isDescending: false,
  from: 0,
  count: 3
};

describe('KernelSource', () => {
  it('reads the outline of the selected trace', async () => {
    const { source, comm, answer } = connected();
    expect([source.isLive, source.outline]).toEqual([true, undefined]);
    comm.receive(state([modelSummary('m')], [traceSummary('t')]));
    expect(source.isReading).toBe(true);
    answer('outline', 'outline', encodeOutline(OUTLINE));
    await settle();
    expect(source.outline).toEqual(OUTLINE);
    expect([source.isReading, source.trace!.id]).toEqual([false, 't']);
    const { revision } = source;
    comm.receive(state([], [traceSummary('new'), traceSummary('t')]));
    expect(source.outline).toBeUndefined();
    answer('outline', 'outline', encodeOutline(OUTLINE));
    await settle();
    expect(source.revision).toBeGreaterThan(revision);
  });

  it('keeps what was read when the kernel ends, and says that it is stale', async () => {
    const { source, comm, answer, setStatus } = connected();
    comm.receive(state([], [traceSummary('t')]));
    answer('outline', 'outline', encodeOutline(OUTLINE));
    await settle();
    const lost = source.tokens(QUESTION);
    setStatus('dead');
    await expect(lost).rejects.toThrow('connection to the kernel was lost');
    expect(source.outline).toEqual(OUTLINE);
    expect([source.isLive, source.isStale]).toEqual([false, true]);
    expect(source.trace!.id).toBe('t');
    await expect(source.tokens(QUESTION)).rejects.toThrow('not connected');
  });

  it('asks for tokens and findings, each by a request of its own', async () => {
    const { source, comm, answer } = connected();
    comm.receive(state([], [traceSummary('t')]));
    answer('outline', 'outline', encodeOutline(OUTLINE));
    const asked = source.tokens(QUESTION);
    source.diagnose();
    const numbers = [
      ...comm.of('list-tokens'),
      ...comm.of('diagnose'),
      ...comm.of('outline')
    ].map(({ request }) => request);
    expect(new Set(numbers).size).toBe(3);
    // The picture's own request has a number too.
    comm.sendTrace('t');
    answer('tokens', 'list-tokens', encodeTokenPage(page(QUESTION)));
    expect((await asked).rows.map(({ text }) => text)).toEqual([
      't0',
      't1',
      't2'
    ]);
    comm.receive({
      type: 'findings-error',
      request: comm.of('diagnose')[0].request,
      message: 'No weights.'
    });
    await settle();
    expect(source.error).toBe('No weights.');
  });

  it('tells the kernel to end a profile that is stopped, and asks about loaded models only', async () => {
    const { source, comm } = connected();
    expect(source.model).toBeUndefined();
    comm.receive(hello({ tools: ['tokens', 'elements', 'profile'] }));
    comm.receive(state([modelSummary('m')], [traceSummary('t')]));
    expect(source.model?.id).toBe('m');
    const controller = new AbortController();
    const asked = source.profile(2, controller.signal);
    const [question] = comm.of('profile');
    expect(question).toMatchObject({ trace: 't', sample: 2 });
    expect(comm.of('cancel')).toEqual([]);
    controller.abort();
    await expect(asked).rejects.toThrow('cancelled');
    expect(comm.of('cancel').map(({ request }) => request)).toEqual([
      question.request
    ]);
  });

  it('refuses a damaged answer', async () => {
    const { source, comm, answer } = connected();
    comm.receive(state([], [traceSummary('t')]));
    answer('outline', 'outline', { samples: 'none' });
    await settle();
    expect(source.error).toMatch(/is not a list/);
    const asked = source.tokens(QUESTION);
    answer('tokens', 'list-tokens', { rows: 3 });
    await expect(asked).rejects.toThrow('rows is not a list');
  });

  it('asks an older kernel nothing that it does not know', () => {
    const { kernel, source } = connected();
    kernel.comm.receive(hello({ tools: ['lens'] }));
    kernel.comm.receive(state([], [traceSummary('t')]));
    expect(source.isLive).toBe(false);
    expect(kernel.comm.of('outline')).toEqual([]);
  });
});

describe('LinkedSelection', () => {
  function linked() {
    const all = connected();
    const selection = new Selection();
    const link = new LinkedSelection(all.follower, selection);
    all.comm.receive(state([], [traceSummary('t'), traceSummary('u')]));
    all.comm.sendTrace('t');
    return { ...all, selection, link, routing: all.follower.routing! };
  }

  it('moves the heatmap with the selection, and the selection with the heatmap', () => {
    const { selection, routing } = linked();
    expect(selection.current.trace).toBe('t');
    selection.set({ sample: 0, layerIndex: 1, token: 2, expert: 1 });
    expect(routing.layerIndex).toBe(1);
    expect(routing.cursor).toEqual({ pane: 0, token: 2, expert: 1 });
    routing.cursor = { pane: 0, token: 0, expert: 3 };
    expect(selection.current).toMatchObject({ token: 0, expert: 3 });
    routing.layerIndex = 0;
    expect(selection.current.layerIndex).toBe(0);
  });

  it('follows the sample that is chosen in the heatmap, and stays there', () => {
    const { comm, follower, selection } = linked();
    const {
      state: view,
      bufferPaths,
      buffers
    } = extractBuffers({
      version: PROTOCOL_VERSION,
      view: 'explorer',
      model: 'demo',
      samples: ['a', 'b'].map(id => encodeSample(sample(id), { binary: true })),
      state: { layerIndex: 0, measure: 'weight' }
    });
    follower.select('t');
    const { request } = comm.of('get-trace').at(-1)!;
    comm.receive({ type: 'trace', request, view, bufferPaths }, buffers);
    const routing = follower.routing!;
    selection.set({ sample: 0, token: 1, expert: 1 });
    routing.setSampleIndex(0, 1);
    expect(selection.current).toMatchObject({ sample: 1, token: undefined });
    selection.set({ layerIndex: 1 });
    expect(routing.sampleIndex(0)).toBe(1);
    // Three tokens of the first sample stand before those of the second.
    routing.cursor = { pane: 0, token: 2, expert: 0 };
    expect(selection.current.token).toBe(3 + 2);
  });

  it('ends what was chosen when another trace is selected, and goes back to it', () => {
    const { selection, follower, comm } = linked();
    selection.set({ sample: 0, token: 1, expert: 2 });
    follower.select('u');
    expect(selection.current).toMatchObject({
      trace: 'u',
      token: undefined,
      expert: undefined
    });
    expect(comm.of('get-trace').at(-1)!.id).toBe('u');
    selection.back();
    expect(follower.selected).toBe('t');
    expect(selection.current).toMatchObject({ trace: 't', token: 1 });
  });

  it('shows what was selected before the picture came', () => {
    const { comm, follower, selection } = linked();
    follower.drawsPicture = false;
    const asked = comm.of('get-trace').length;
    follower.select('u');
    expect(follower.selected).toBe('u');
    expect(comm.of('get-trace')).toHaveLength(asked);
    selection.set({ sample: 0, layerIndex: 1, token: 2, expert: 3 });
    follower.drawsPicture = true;
    expect(comm.of('get-trace').at(-1)!.id).toBe('u');
    comm.sendTrace('u');
    expect(follower.routing!.layerIndex).toBe(1);
    expect(follower.routing!.cursor).toEqual({
      pane: 0,
      token: 2,
      expert: 3
    });
    follower.drawsPicture = true;
    expect(comm.of('get-trace')).toHaveLength(asked + 1);
  });

  it('leaves a picture that lacks the selected sample', () => {
    const { selection, routing } = linked();
    selection.set({ sample: 7, layerIndex: 1, token: 40, expert: 1 });
    expect([routing.sampleIndex(0), routing.layerIndex]).toEqual([0, 0]);
  });

  it('does not move the picture of another trace', () => {
    const { selection, follower, routing, link } = linked();
    follower.select('u');
    selection.set({ layerIndex: 1 });
    expect(routing.layerIndex).toBe(0);
    link.dispose();
    selection.set({ layerIndex: 0 });
    expect(routing.layerIndex).toBe(0);
  });
});
