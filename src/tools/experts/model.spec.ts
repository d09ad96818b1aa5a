import { readExpertsState, type ExpertsState } from 'moe-debugger/protocol';
import { FakeLink } from '../../testing/fake-link';
import { ExpertsModel } from './model';

const STATE: ExpertsState = {
  running: false,
  rows: [
    { layer: 0, experts: 4, topK: 2 },
    { layer: 1, experts: 2, topK: 1 }
  ],
  prompt: 'a',
  maxNewTokens: 4,
  edits: [{ row: 1, expert: 0, kind: 'drop' }],
  topK: [null, null],
  canUndo: false,
  canRedo: false,
  traced: [
    [0, 0.25, 0.75, 1],
    [0.5, 0.5]
  ],
  original: null,
  edited: null,
  refusal: null
};

const stored = (state: unknown = STATE) =>
  new ExpertsModel({ modelName: 'demo', state, read: readExpertsState });

function live(): { model: ExpertsModel; link: FakeLink } {
  const link = new FakeLink(STATE);
  const model = stored();
  model.link = link;
  return { model, link };
}

describe('ExpertsModel', () => {
  it('shows the stored state, and sends nothing, without a kernel', () => {
    const model = stored();
    expect(model.isLive).toBe(false);
    expect(model.state).toEqual(STATE);
    expect(model.rates(0)).toEqual([0, 0.25, 0.75, 1]);
    expect(model.ceiling).toBe(1);
    expect(() => model.toggle({ row: 0, expert: 0 })).not.toThrow();
    expect(() => stored({})).toThrow('rows is not a list');
  });

  it('edits by a click, and removes the same edit', () => {
    const { model, link } = live();
    model.toggle({ row: 0, expert: 3 });
    model.mode = 'drop';
    model.toggle({ row: 1, expert: 0 });
    model.toggle({ row: 0, expert: 1 }, 'force');
    expect(link.sent).toEqual([
      { do: 'edit', row: 0, expert: 3, kind: 'mask' },
      { do: 'edit', row: 1, expert: 0, kind: null },
      { do: 'edit', row: 0, expert: 1, kind: 'force' }
    ]);
  });

  it('swaps by two clicks in a layer', () => {
    const { model, link } = live();
    model.mode = 'swap';
    model.toggle({ row: 0, expert: 3 });
    expect(model.swapping).toEqual({ row: 0, expert: 3 });
    expect(link.sent).toEqual([]);
    model.toggle({ row: 0, expert: 1 });
    expect(link.sent).toEqual([
      { do: 'edit', row: 0, expert: 3, kind: 'swap', to: 1 }
    ]);
    // The same expert again, Escape and another mode each end the waiting; another layer begins anew.
    model.toggle({ row: 0, expert: 2 });
    model.toggle({ row: 0, expert: 2 });
    expect(model.swapping).toBeNull();
    model.toggle({ row: 0, expert: 2 });
    model.toggle({ row: 1, expert: 1 });
    expect(model.swapping).toEqual({ row: 1, expert: 1 });
    model.escape();
    model.toggle({ row: 0, expert: 2 });
    model.mode = 'mask';
    expect(model.swapping).toBeNull();
    expect(link.sent).toHaveLength(1);
  });

  it('keeps the last valid state when the kernel sends an invalid one, and says so', () => {
    const { model, link } = live();
    link.tell({ edits: [{ row: 9 }] });
    expect(model.state).toEqual(STATE);
    expect(model.error?.message).toMatch('edits[0].row');
    link.tell({ edits: [] });
    expect(model.error).toBeUndefined();
    expect(model.state.edits).toEqual([]);
  });

  it('keeps the state when the kernel ends', () => {
    const { model, link } = live();
    link.tell({ prompt: 'b' });
    link.isLive = false;
    link.changed.emit();
    expect(model.isLive).toBe(false);
    model.link = undefined;
    expect(model.state.prompt).toBe('b');
    model.toggle({ row: 0, expert: 0 });
    expect(link.sent).toEqual([]);
  });

  it('colours by the edited run only if there is one', () => {
    const { model, link } = live();
    const run = (rate: number) => ({
      tokens: [],
      status: 'done',
      rates: [
        [rate, 0, 0, 0],
        [0, 0]
      ]
    });
    link.tell({ original: run(0.5), edited: run(0.75) });
    expect(model.rates(0)?.[0]).toBe(0.5);
    model.side = 'edited';
    expect(model.rates(0)?.[0]).toBe(0.75);
    expect(model.ceiling).toBe(0.75);
    link.tell({ edited: null });
    expect(model.side).toBe('original');
  });

  it('keeps the cursor within a grid that shrinks', () => {
    const { model, link } = live();
    model.cursor = { row: 9, expert: 9 };
    expect(model.cursor).toEqual({ row: 1, expert: 1 });
    link.tell({
      rows: [{ layer: 0, experts: 1, topK: 1 }],
      topK: [null],
      traced: null,
      edits: []
    });
    expect(model.cursor).toEqual({ row: 0, expert: 0 });
  });
});
