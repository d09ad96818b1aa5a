/** Lens, steering and sweep as a page uses them; expected numbers come from the model's own methods. */
import { loadModel, type MoEModel } from '../..';
import { DEMO } from '../../../test/zoo';
import {
  generatedText,
  readLensState,
  readSteeringState,
  readSweepState
} from '../../base/protocol';

const PROMPT = 'def fib(n):';
const json = (value: object): unknown =>
  JSON.parse(JSON.stringify(value)) as unknown;

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

describe('LayerLens', () => {
  it('reads all positions', async () => {
    const tool = model.tools.lens({ prompt: PROMPT });
    await tool.read();
    const { data } = await model.lens(PROMPT, { top: 6, positions: 'all' });
    expect(tool.state.lens).toEqual(data);
    expect(tool.state.done).toBe(tool.state.total);
    expect(readLensState(json(tool.state))).toEqual(json(tool.state));
  });

  it('reads the last positions of a long prompt', async () => {
    const tool = model.tools.lens({ prompt: 'one two three '.repeat(40) });
    await tool.read();
    const { positions, tokens } = tool.state.lens!;
    expect(positions).toHaveLength(64);
    expect(positions.at(-1)).toBe(tokens.length - 1);
  });

  it('says that it waits while the engine serves others, and when its turn has come', async () => {
    const tool = model.tools.lens({ prompt: PROMPT });
    const said: boolean[] = [];
    tool.onChange((_, { queued }) => said.push(queued));
    const others = Promise.all(
      Array.from({ length: 400 }, () => model.trace(PROMPT.repeat(12)))
    );
    await tool.read();
    await others;
    expect(said).toContain(true);
    expect(said.at(-1)).toBe(false);
    expect(tool.whole).toMatchObject({ queued: false, refusal: null });

    said.length = 0;
    await tool.read();
    expect(said.length).toBeGreaterThan(0);
    expect(said).not.toContain(true);
  });

  it('keeps the last lens when it is cancelled, and refuses nonsense', async () => {
    const tool = model.tools.lens({ prompt: PROMPT });
    await tool.read();
    const { lens } = tool.state;
    tool.act({ do: 'read', prompt: 'another prompt that takes a while' });
    tool.act({ do: 'cancel' });
    await tool.cancel();
    expect(tool.state).toMatchObject({ lens, running: false, refusal: null });
    tool.act({ do: 'read', prompt: 5 });
    expect(tool.state.refusal?.text).toBe('prompt is not text');
  });
});

describe('SteeringControls', () => {
  const contrast = { positive: 'Der Hund\nDas Haus', negative: 'The dog' };

  it('makes vectors from contrast prompts and writes with them', async () => {
    const tool = model.tools.steering({ prompt: PROMPT, maxNewTokens: 8 });
    const made = new Promise<void>(resolve => {
      tool.onChange(
        ({ rows, running }) => rows && running === false && resolve()
      );
    });
    tool.act({ do: 'contrast', ...contrast });
    await made;
    const vectors = await model.steeringVectors({
      positive: ['Der Hund', 'Das Haus'],
      negative: ['The dog']
    });
    expect(tool.state.rows.map(({ layer }) => layer)).toEqual(
      vectors.vectors.map(({ layer }) => layer)
    );
    tool.act({ do: 'scale', row: 2, scale: -1.5 });
    await tool.generate();
    const steer = [vectors.at(2, -1.5)];
    const { text } = await model
      .with({ steer })
      .generate(PROMPT, { maxNewTokens: 8 });
    expect(generatedText(tool.state.edited!.tokens)).toBe(text);
    expect(tool.edits).toEqual({ steer });
    expect(readSteeringState(json(tool.state))).toEqual(json(tool.state));
    tool.act({ do: 'scale', row: null, scale: 0 });
    await tool.generate();
    expect(tool.state.edited).toBeNull();
  });

  it('refuses an empty side, and scales out of range', async () => {
    const tool = model.tools.steering({
      vectors: await model.steeringVectors({
        positive: 'Der Hund',
        negative: 'The dog'
      })
    });
    tool.act({ do: 'scale', row: 0, scale: 1e9 });
    expect(tool.state.refusal?.text).toMatch(/beyond/);
    tool.act({ do: 'contrast', positive: ' \n', negative: 'x' });
    await tool.generate();
    await new Promise(setImmediate);
    expect(tool.state.refusal?.text).toMatch(/a side of the contrast is empty/);
    expect(tool.state.rows).toHaveLength(6);
  });
});

describe('SweepView', () => {
  const prompts = [PROMPT, 'Der Hund'];

  it('comes to what the model sweeps', async () => {
    const tool = model.tools.sweep({ prompts });
    await tool.sweep();
    const result = await model.sweep(prompts);
    expect(tool.state.sweep?.rows).toEqual(result.toJSON().rows);
    expect(readSweepState(json(tool.state))).toEqual(json(tool.state));
  });

  it('keeps what there is when it is cancelled', async () => {
    const tool = model.tools.sweep({ prompts });
    const running = tool.sweep();
    tool.act({ do: 'cancel' });
    await running;
    expect(tool.state).toMatchObject({ running: false, refusal: null });
    tool.act({ do: 'sweep', prompts: PROMPT, mode: 'drop' });
    await tool.sweep();
    expect(tool.state.sweep).toMatchObject({ mode: 'drop', prompts: 1 });
  });

  it('says that there are no prompts', async () => {
    const tool = model.tools.sweep();
    await tool.sweep();
    expect(tool.state.refusal?.text).toMatch(/prompt/);
  });
});
