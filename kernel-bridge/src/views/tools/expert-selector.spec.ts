/** Expert selector on the demo model, as a page uses it: by actions and the resulting state. */
import { loadModel, type MoEModel } from '../..';
import { DEMO } from '../../../test/zoo';
import {
  generatedText,
  readExpertsState,
  type ExpertsAction,
  type ExpertsState
} from '../../base/protocol';
import { ExpertSelector } from './expert-selector';

const PROMPT = 'def fib(n):';
const maxNewTokens = 12;

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

const select = (): ExpertSelector =>
  model.tools.experts({ prompt: PROMPT, maxNewTokens });
const act = (selector: ExpertSelector, action: ExpertsAction): void =>
  selector.act(action);
const texts = ({ original, edited }: ExpertsState): (string | null)[] =>
  [original, edited].map(side => side && generatedText(side.tokens));
const write = async (edits: Parameters<MoEModel['with']>[0]): Promise<string> =>
  (await model.with(edits).generate(PROMPT, { maxNewTokens })).text;

describe('ExpertSelector', () => {
  it('generates the same text as the model, with and without the edits', async () => {
    const selector = select();
    act(selector, { do: 'edit', row: 2, expert: 3, kind: 'mask' });
    act(selector, { do: 'edit', row: 4, expert: 1, kind: 'swap', to: 6 });
    act(selector, { do: 'edit', row: 1, expert: 0, kind: 'drop' });
    act(selector, { do: 'top-k', row: 5, k: 4 });
    await selector.generate();
    const edits = {
      ablate: [
        { layer: 2, expert: 3, mode: 'mask' as const },
        { layer: 4, expert: 1, mode: 'swap' as const, to: 6 },
        { layer: 1, expert: 0, mode: 'drop' as const }
      ],
      topK: [{ layer: 5, k: 4 }]
    };
    expect(selector.edits).toEqual(edits);
    const original = (await model.generate(PROMPT, { maxNewTokens })).text;
    expect(texts(selector.state)).toEqual([original, await write(edits)]);
    expect(selector.original?.text).toBe(original);
    expect(selector.state).toMatchObject({ running: false, refusal: null });
  });

  it('reports the share of tokens that select each expert', async () => {
    const selector = select();
    await selector.generate();
    const [sample] = selector.original!.trace.samples;
    sample.layers.forEach((layer, row) => {
      const tokens = sample.tokens.length;
      for (let expert = 0; expert < layer.experts; expert++) {
        const chosen = layer.selected.filter(e => e === expert).length;
        expect(selector.state.original!.rates![row][expert]).toBeCloseTo(
          chosen / tokens,
          4
        );
      }
    });
  });

  it('starts with the prompt and the rates of a trace, until it has its own', async () => {
    const trace = await model.trace('Der Hund');
    const selector = new ExpertSelector(model, { trace });
    expect(selector.state.prompt).toBe('Der Hund');
    const [row] = selector.state.traced!;
    expect(row.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(2, 3);
    const generation = await model.generate('The dog', { maxNewTokens: 2 });
    selector.offer(generation.trace);
    expect(selector.state.prompt).toBe('The dog');
    act(selector, { do: 'edit', row: 0, expert: 0, kind: 'mask' });
    selector.offer(trace);
    expect(selector.state.prompt).toBe('The dog');
    await selector.cancel();
  });

  it('undoes, redoes and clears', async () => {
    const selector = select();
    act(selector, { do: 'edit', row: 2, expert: 3, kind: 'mask' });
    act(selector, { do: 'edit', row: 2, expert: 3, kind: 'force' });
    act(selector, { do: 'top-k', row: null, k: 1 });
    const topK = Array.from({ length: 6 }, (_, layer) => ({ layer, k: 1 }));
    expect(selector.edits).toEqual({
      force: [{ layer: 2, expert: 3 }],
      topK
    });
    act(selector, { do: 'undo' });
    act(selector, { do: 'undo' });
    expect(selector.edits).toEqual({
      ablate: [{ layer: 2, expert: 3, mode: 'mask' }]
    });
    expect(selector.state).toMatchObject({ canUndo: true, canRedo: true });
    act(selector, { do: 'redo' });
    expect(selector.edits).toEqual({ force: [{ layer: 2, expert: 3 }] });
    act(selector, { do: 'clear' });
    await selector.generate();
    expect(selector.edits).toEqual({});
    expect(selector.state).toMatchObject({ edited: null, canRedo: false });
  });

  it('rejects unsupported edits at their layer, and keeps the previous ones', async () => {
    const selector = select();
    const refused = (): ExpertsState['refusal'] => selector.state.refusal;
    for (let expert = 0; expert < 7; expert++) {
      act(selector, { do: 'edit', row: 3, expert, kind: 'mask' });
    }
    expect(refused()).toEqual({
      row: 3,
      text: expect.stringMatching(/1 expert is left .*layer 3/) as string
    });
    expect(selector.state.edits).toHaveLength(6);
    act(selector, { do: 'edit', row: 1, expert: 99, kind: 'mask' });
    expect(refused()).toMatchObject({ row: 1 });
    act(selector, { do: 'top-k', row: 0, k: 0 });
    expect(refused()).toMatchObject({ row: 0 });
    act(selector, { do: 'edit', row: 40, expert: 0, kind: 'mask' });
    expect(refused()).toMatchObject({
      row: null,
      text: expect.stringContaining('there is no row 40') as string
    });
    act(selector, { do: 'edit', row: 0, expert: 0, kind: 'drop' });
    expect(refused()).toBeNull();
    await selector.cancel();
  });

  it.each([
    null,
    'edit',
    { do: 'dance' },
    { do: 'edit', row: '__proto__', expert: 0, kind: 'mask' },
    { do: 'edit', row: 0, expert: Number.NaN, kind: 'mask' },
    { do: 'edit', row: 0, expert: 0, kind: 'toString' },
    { do: 'top-k', row: 0, k: 1e9 },
    { do: 'generate', prompt: 7, maxNewTokens: 1 },
    { do: 'generate', prompt: 'x', maxNewTokens: 1e6 }
  ])('reports what is wrong with %j and does nothing', action => {
    const selector = select();
    expect(() => selector.act(action)).not.toThrow();
    expect(selector.state.refusal?.text).toBeTruthy();
    expect(selector.state).toMatchObject({ edits: [], running: false });
  });

  it('tells a prompt that does not fit, and goes on', async () => {
    const selector = model.tools.experts({ prompt: 'word '.repeat(4000) });
    await selector.generate();
    expect(selector.state.refusal?.text).toMatch(/context|tokens/);
    expect(selector.state.original).toMatchObject({ status: 'failed' });
    act(selector, { do: 'generate', prompt: PROMPT, maxNewTokens });
    await selector.generate();
    expect(selector.state.original).toMatchObject({ status: 'done' });
    expect(selector.state.refusal).toBeNull();
  });

  it('ends what runs when it is cancelled or asked for something else', async () => {
    const selector = model.tools.experts({ prompt: PROMPT, maxNewTokens: 400 });
    const first = new Promise<void>(resolve => {
      const stop = selector.onChange(({ original }) => {
        if (original && original.tokens.length > 0) {
          stop();
          resolve();
        }
      });
    });
    void selector.generate();
    await first;
    expect(selector.state.running).toBe(true);
    await selector.cancel();
    expect(selector.state).toMatchObject({
      running: false,
      original: { status: 'cancelled' }
    });
    const written = selector.state.original!.tokens.length;
    expect(written).toBeLessThan(400);
    const long = selector.generate();
    act(selector, { do: 'generate', prompt: PROMPT, maxNewTokens });
    act(selector, { do: 'edit', row: 2, expert: 3, kind: 'mask' });
    await long;
    await selector.generate();
    expect(texts(selector.state)[1]).toBe(
      await write({ ablate: [{ layer: 2, expert: 3 }] })
    );
  });

  it('sends changes key by key, in JSON that a page can read', async () => {
    const selector = select();
    let page: Record<string, unknown> = JSON.parse(
      JSON.stringify(selector.state)
    ) as Record<string, unknown>;
    let messages = 0;
    selector.onChange(patch => {
      messages++;
      page = { ...page, ...(JSON.parse(JSON.stringify(patch)) as object) };
      readExpertsState(page);
    });
    act(selector, { do: 'edit', row: 2, expert: 3, kind: 'mask' });
    await selector.generate();
    expect(page).toEqual(JSON.parse(JSON.stringify(selector.state)));
    expect(messages).toBeLessThan(2 * maxNewTokens + 6);
    expect(String(selector)).toMatch(
      /mask expert 3 in layer 2\nprompt: def fib/
    );
  });
});
