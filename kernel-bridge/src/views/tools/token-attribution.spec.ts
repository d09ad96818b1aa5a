/** Token attribution as a page uses it; expected numbers come from the model's own methods. */
import { loadModel, type MoEModel } from '../..';
import { DEMO } from '../../../test/zoo';
import { tinyMoE } from '../../../test/tiny-moe';
import {
  readAttributionState,
  type AttributionQuestion,
  type AttributionState
} from '../../base/protocol';
import type { TokenAttribution } from './token-attribution';

const PROMPT = 'def fib(n):';
const QUESTION: AttributionQuestion = {
  prompt: PROMPT,
  target: null,
  method: 'grad-input',
  steps: 8,
  baseline: { kind: 'zero', text: '' }
};
const json = (value: object): unknown =>
  JSON.parse(JSON.stringify(value)) as unknown;

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

/** Acts, and waits for a state. */
function after(
  tool: TokenAttribution,
  action: object,
  done: (state: Readonly<AttributionState>) => boolean
): Promise<void> {
  return new Promise(resolve => {
    const stop = tool.onChange(() => {
      if (done(tool.state)) {
        stop();
        resolve();
      }
    });
    tool.act(action);
  });
}

const idle = ({ running, attribution, refusal }: AttributionState): boolean =>
  !running && (attribution ?? refusal) !== null;

describe('TokenAttribution', () => {
  it('shows the attribution of the model', async () => {
    const target = { kind: 'router' as const, layer: 4, expert: 6 };
    const tool = model.tools.attribution({
      prompt: PROMPT,
      target,
      position: 3,
      steps: 12,
      baseline: { token: 5 }
    });
    await tool.attribute();
    const found = await model.attribute(PROMPT, {
      target,
      position: 3,
      steps: 12,
      baseline: { token: 5 },
      layers: true
    });
    const { tokens, value, gap, layers, experts } = tool.state.attribution!;
    expect({ value, gap }).toEqual({
      value: expect.closeTo(found.value, 4) as number,
      gap: expect.closeTo(found.gap, 3) as number
    });
    tokens.forEach((token, i) => {
      expect(token.text).toBe(found.tokens[i].text);
      expect(token.attribution).toBeCloseTo(found.tokens[i].attribution, 3);
    });
    expect(layers).toHaveLength(found.data.layers!.length);
    expect(experts).toHaveLength(found.data.experts!.length);
    expect(readAttributionState(json(tool.state))).toEqual(json(tool.state));
    expect(tool.toString()).toContain('score of layer 4 expert 6 at token 3');
  });

  it('tells what could be explained at a token: its logits and its experts', async () => {
    const tool = model.tools.attribution();
    await after(tool, { do: 'attribute', question: QUESTION }, idle);
    await after(
      tool,
      { do: 'look', position: 2 },
      ({ choices }) => choices?.position === 2
    );
    const { logits, routers } = tool.state.choices!;
    const trace = await model.trace(PROMPT, { logits: 'all' });
    const [{ data, width }] = [...trace.outputLogits.values()];
    const row = data.subarray(2 * width, 3 * width);
    expect(logits.top[0].logit).toBeCloseTo(Math.max(...row), 4);
    expect(logits.top[0].id).toBe(row.indexOf(Math.max(...row)));
    const next = trace.samples[0].tokens[3];
    expect(logits.actual).toMatchObject({ id: next.id, text: next.text });
    expect(logits.actual!.logit).toBeCloseTo(row[next.id], 4);
    expect(
      routers.map(({ layer, chosen }) => [layer, chosen.map(own => own.expert)])
    ).toEqual(
      trace.samples[0].layers.map(layer => [
        layer.layer,
        [...layer.selected.subarray(2 * layer.topK, 3 * layer.topK)]
      ])
    );
    expect(readAttributionState(json(tool.state))).toEqual(json(tool.state));
  });

  it('replaces the first answer by the second, and forgets that of another prompt', async () => {
    const tool = model.tools.attribution({ prompt: PROMPT, steps: 8 });
    await tool.attribute();
    const first = tool.state.attribution!;
    const target = {
      kind: 'logit' as const,
      position: 2,
      token: tool.state.choices!.logits.top[1].id
    };
    await after(
      tool,
      { do: 'attribute', question: { ...QUESTION, target } },
      state => idle(state) && state.attribution !== first
    );
    const found = await model.attribute(PROMPT, {
      target,
      position: 2,
      method: 'grad-input'
    });
    expect(tool.state.attribution).toMatchObject({
      target: { kind: 'logit', position: 2, token: target.token },
      method: 'grad-input',
      value: expect.closeTo(found.value, 4) as number
    });
    expect(tool.state.choices?.position).toBe(2);
    tool.act({ do: 'attribute', question: { ...QUESTION, prompt: 'other' } });
    expect(tool.state).toMatchObject({ attribution: null, choices: null });
    await tool.cancel();
  });

  it('measures faithfulness when it is asked for', async () => {
    const tool = model.tools.attribution({ prompt: 'one two', steps: 4 });
    await tool.attribute();
    expect(tool.state.attribution!.faithfulness).toBeUndefined();
    await after(
      tool,
      { do: 'faithfulness' },
      state => idle(state) && state.attribution!.faithfulness !== undefined
    );
    const { value, baselineValue, faithfulness } = tool.state.attribution!;
    // The curve starts with nothing deleted, and ends with everything deleted.
    expect(faithfulness!.deletion[0]).toBeCloseTo(value, 3);
    expect(faithfulness!.deletion.at(-1)).toBeCloseTo(baselineValue, 3);
    expect(readAttributionState(json(tool.state))).toEqual(json(tool.state));
  });

  it('keeps the last answer when it is cancelled, and refuses nonsense', async () => {
    const tool = model.tools.attribution({ prompt: PROMPT, steps: 4 });
    await tool.attribute();
    const { attribution } = tool.state;
    tool.act({
      do: 'attribute',
      question: { ...QUESTION, method: 'ig', steps: 4096 }
    });
    tool.act({ do: 'cancel' });
    await tool.cancel();
    expect(tool.state).toMatchObject({
      attribution,
      running: false,
      refusal: null
    });
    tool.act({ do: 'look', position: 99 });
    await new Promise(setImmediate);
    expect(tool.state.refusal?.text).toMatch(/no token 99 .*give 0 to/s);
    tool.act({ do: 'attribute', question: { ...QUESTION, steps: 1e9 } });
    expect(tool.state.refusal?.text).toBe('question.steps is not a count');
    for (const [change, reason] of [
      [{ steps: 0 }, /steps/],
      [
        { baseline: { kind: 'token', text: 'two words' } },
        /a baseline must be one/
      ],
      [{ baseline: { kind: 'prompt', text: 'x' } }, /contrast prompt has/],
      [
        { target: { kind: 'router', position: null, layer: 9, expert: 0 } },
        /layer 9 has no router/
      ]
    ] as const) {
      tool.act({ do: 'attribute', question: { ...QUESTION, ...change } });
      await tool.attribute();
      expect(tool.state.refusal?.text).toMatch(reason);
    }
  });

  it('accepts ids if there is no tokenizer', async () => {
    const bare = await loadModel(tinyMoE({ norms: false, seed: 3 }).save());
    try {
      const tool = bare.tools.attribution({
        prompt: '3, 1, 4',
        method: 'occlusion'
      });
      await tool.attribute();
      expect(tool.state.refusal).toBeNull();
      expect(tool.state.attribution!.tokens.map(({ id }) => id)).toEqual([
        3, 1, 4
      ]);
      expect(tool.state.attribution!.layers).toBeUndefined();
      expect(readAttributionState(json(tool.state))).toEqual(json(tool.state));
      tool.act({ do: 'attribute', question: { ...QUESTION, prompt: 'abc' } });
      await tool.attribute();
      expect(tool.state.refusal?.text).toMatch(/no tokenizer/);
    } finally {
      await bare.dispose();
    }
  });
});
