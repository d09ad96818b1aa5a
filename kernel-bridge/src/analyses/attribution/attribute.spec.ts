import { GraphBuilder } from '../../../test/graph-builder';
import { tinyMoE, type TinyOptions } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import { inlineValues } from '../../onnx/file/tensor';
import type { MoEModel } from '../../api/moe-model';

const IDS = [3, 1, 4, 1, 5];
const VOCABULARY = 50;

async function withModel(
  options: TinyOptions | GraphBuilder,
  work: (model: MoEModel) => Promise<void>
): Promise<void> {
  const builder = options instanceof GraphBuilder ? options : tinyMoE(options);
  const model = await loadModel(builder.save());
  try {
    await work(model);
  } finally {
    await model.dispose();
  }
}

/** The last token's logit for an id. */
async function logitOf(
  model: Pick<MoEModel, 'trace'>,
  ids: number[],
  id: number
): Promise<number> {
  const trace = await model.trace(ids, { logits: 'last' });
  return [...trace.outputLogits.values()][0].data[id];
}

/** No norms, so that zero embeddings are valid, and all experts selected, so that the target is continuous. */
const SMOOTH: TinyOptions = { norms: false, topK: 8, seed: 7 };

describe('integrated gradients', () => {
  it('are complete where the routing cannot change', () =>
    withModel(SMOOTH, async model => {
      for (const rule of ['gauss-legendre', 'midpoint'] as const) {
        const found = await model.attribute(IDS, {
          target: { kind: 'logit', token: 9 },
          rule,
          steps: 200
        });
        expect(found.value).toBeCloseTo(await logitOf(model, IDS, 9), 3);
        expect(Math.abs(found.gap)).toBeLessThan(
          0.01 * Math.abs(found.value - found.baselineValue)
        );
        expect(found.data).toMatchObject({ routingChanges: 0, warnings: [] });
        const sum = found.tokens.reduce((all, t) => all + t.attribution, 0);
        expect(sum).toBeCloseTo(
          found.value - found.baselineValue + found.gap,
          6
        );
      }
    }));

  it('start from a token, the mean of the table or another prompt', () =>
    withModel(SMOOTH, async model => {
      const target = { kind: 'logit' as const, token: 9 };
      const token = await model.attribute(IDS, {
        target,
        baseline: { token: 2 }
      });
      expect(token.baselineValue).toBeCloseTo(
        await logitOf(model, [2, 2, 2, 2, 2], 9),
        3
      );
      const contrast = [3, 1, 7, 1, 5];
      const prompt = await model.attribute(IDS, {
        target,
        baseline: { prompt: contrast }
      });
      expect(prompt.baselineValue).toBeCloseTo(
        await logitOf(model, contrast, 9),
        3
      );
      // Tokens that both prompts share get no attribution.
      prompt.tokens.forEach(({ attribution }, i) => {
        if (i !== 2) {
          expect(attribution).toBeCloseTo(0, 6);
        }
      });
      const mean = await model.attribute(IDS, { target, baseline: 'mean' });
      expect(Math.abs(mean.gap)).toBeLessThan(
        0.02 * Math.abs(mean.value - mean.baselineValue)
      );
    }));

  it('are independent of the batch size', () =>
    withModel({ norms: false, seed: 3 }, async model => {
      const [one, five, measured] = await Promise.all(
        [1, 5, undefined].map(batchSize =>
          model.attribute(IDS, {
            target: { kind: 'logit', token: 9 },
            batchSize
          })
        )
      );
      one.tokens.forEach(({ attribution }, i) => {
        expect(five.tokens[i].attribution).toBeCloseTo(attribution, 3);
        expect(measured.tokens[i].attribution).toBeCloseTo(attribution, 3);
      });
      expect(five.data.batch).toBe(5);
    }));

  it('report how the routing affects them, and how far the target jumps', () =>
    withModel({ norms: false, seed: 3 }, async model => {
      const target = { kind: 'logit' as const, token: 9 };
      const plain = await model.attribute(IDS, { target });
      expect(plain.data.routingChanges).toBeGreaterThan(0);
      expect(plain.data.warnings.join()).toMatch(/top-k/);
      const adaptive = await model.attribute(IDS, { target, adaptive: true });
      const { jumps = NaN } = adaptive.data;
      const range = Math.abs(adaptive.value - adaptive.baselineValue);
      expect(Math.abs(adaptive.gap + jumps)).toBeLessThan(0.005 * range);
      expect(adaptive.data.resolved).toBe(true);
    }));

  it('report progress and can be cancelled', () =>
    withModel(SMOOTH, async model => {
      const seen: number[] = [];
      const stop = new AbortController();
      await expect(
        model.attribute(IDS, {
          steps: 16,
          batchSize: 4,
          signal: stop.signal,
          onProgress: ({ done, total }) => {
            seen.push(done / total);
            if (seen.length === 2) {
              stop.abort();
            }
          }
        })
      ).rejects.toMatchObject({ code: 'cancelled' });
      expect(seen).toEqual([0.25, 0.5]);
      expect((await model.attribute(IDS, { steps: 4 })).tokens).toHaveLength(5);
    }));
});

describe('other methods', () => {
  it('occlusion is the drop of the target when a token has no embedding', () => {
    const b = tinyMoE({ norms: false, seed: 5 });
    // The id 0 stands for an embedding of zeros.
    const table = b.initializers[0];
    table.rawData!.fill(0, 0, table.rawData!.length / VOCABULARY);
    return withModel(b, async model => {
      const found = await model.attribute(IDS, {
        target: { kind: 'logit', token: 9 },
        method: 'occlusion'
      });
      const whole = await logitOf(model, IDS, 9);
      for (const [t, { attribution }] of found.tokens.entries()) {
        const without = IDS.map((id, i) => (i === t ? 0 : id));
        expect(attribution).toBeCloseTo(
          whole - (await logitOf(model, without, 9)),
          3
        );
      }
      expect(found.baselineValue).toBeCloseTo(
        await logitOf(model, [0, 0, 0, 0, 0], 9),
        3
      );
    });
  });

  it('gradient times input is one step of the midpoint rule, at the end of the path', () =>
    withModel(SMOOTH, async model => {
      const target = { kind: 'logit' as const, token: 9 };
      const found = await model.attribute(IDS, {
        target,
        method: 'grad-input'
      });
      // d/ds f(s e) at s = 1, as a finite difference: prompts whose table is scaled.
      const step = 0.01;
      const ends: number[] = [];
      for (const scale of [1 + step, 1 - step]) {
        const b = tinyMoE(SMOOTH);
        const table = b.initializers[0].rawData!;
        const values = new Float32Array(table.buffer);
        values.forEach((x, i) => (values[i] = x * scale));
        await withModel(b, async other => {
          ends.push(await logitOf(other, IDS, 9));
        });
      }
      const slope = (ends[0] - ends[1]) / (2 * step);
      const sum = found.tokens.reduce((all, t) => all + t.attribution, 0);
      expect(sum / slope).toBeCloseTo(1, 2);
    }));

  it('are the same where the graph was exported for one length', async () => {
    const attributed = async (length?: number): Promise<number[]> => {
      const builder = tinyMoE({ norms: false, seed: 3 });
      if (length !== undefined) {
        builder.inputs[0].type!.tensorType!.shape!.dim[1] = {
          dimValue: length
        };
      }
      let found: number[] = [];
      await withModel(builder, async model => {
        const { tokens } = await model.attribute(IDS, { method: 'grad-input' });
        found = tokens.map(({ attribution }) => attribution);
      });
      return found;
    };
    const fixed = await attributed(IDS.length);
    (await attributed()).forEach((attribution, i) =>
      expect(fixed[i]).toBeCloseTo(attribution, 5)
    );
    await expect(attributed(IDS.length + 1)).rejects.toThrow(
      /exported for 6 tokens, but this sequence has 5/
    );
  });

  it('explain a routing decision', () =>
    withModel({ norms: false, seed: 3 }, async model => {
      const trace = await model.trace(IDS);
      const layer = trace.samples[0].layers[1];
      const found = await model.attribute(IDS, {
        target: { kind: 'router', layer: 1, expert: 6 },
        position: 2,
        method: 'grad-input'
      });
      expect(found.value).toBeCloseTo(layer.logits[2 * 8 + 6], 4);
      expect(found.data.target).toMatchObject({
        kind: 'router',
        layer: 1,
        expert: 6,
        position: 2
      });
    }));
});

describe('expert attribution', () => {
  it('is the derivative of the target by a scale of their weights', () =>
    withModel({ norms: false, seed: 11 }, async model => {
      const found = await model.attribute(IDS, {
        target: { kind: 'logit', token: 9 },
        method: 'grad-input',
        layers: true
      });
      const { experts = [], layers = [] } = found.data;
      expect(experts).toHaveLength(2 * IDS.length * 2);
      expect(layers.map(({ layer }) => layer)).toEqual([0, 1]);
      const trace = await model.trace(IDS);
      for (const { layer, position, expert, weight } of experts) {
        const { selected, weights, topK } = trace.samples[0].layers[layer];
        const k = [...selected.slice(position * topK, (position + 1) * topK)];
        expect(weights[position * topK + k.indexOf(expert)]).toBeCloseTo(
          weight,
          5
        );
      }
      // The last layer's experts: nothing after them can change its routing.
      const step = 0.01;
      for (const own of experts.filter(({ layer }) => layer === 1).slice(-2)) {
        const { layer, expert, position } = own;
        const [up, down] = await Promise.all(
          [1 + step, 1 - step].map(factor =>
            logitOf(
              model.with({
                scale: [
                  { layer, expert, factor, tokens: [position, position + 1] }
                ]
              }),
              IDS,
              9
            )
          )
        );
        expect(own.attribution).toBeCloseTo((up - down) / (2 * step), 1);
      }
    }));
});

describe('layer attribution', () => {
  it("is the derivative of the target by a scale of the layer's output", async () => {
    // The target is smooth in the last two weights of attention and experts, which scale their outputs.
    const options = { ...SMOOTH, layers: 1 };
    const ADDING = [4, 7];
    const logit = async (factor: number): Promise<number> => {
      const builder = tinyMoE(options);
      const weights = builder.initializers.filter(({ name }) =>
        name!.startsWith('weight')
      );
      for (const weight of ADDING.map(i => weights[i])) {
        weight.rawData = new Uint8Array(
          Float32Array.from(inlineValues(weight)!, x => x * factor).buffer
        );
      }
      let value = NaN;
      await withModel(builder, async model => {
        value = await logitOf(model, IDS, 9);
      });
      return value;
    };
    const step = 0.02;
    const slope =
      ((await logit(1 + step)) - (await logit(1 - step))) / (2 * step);
    await withModel(tinyMoE(options), async model => {
      const { data } = await model.attribute(IDS, {
        target: { kind: 'logit', token: 9 },
        method: 'grad-input',
        layers: true
      });
      expect(data.layers).toHaveLength(1);
      expect(data.layers![0].attribution / slope).toBeCloseTo(1, 2);
    });
  });
});

describe('faithfulness', () => {
  it('curves begin and end with the prompt and the baseline', () =>
    withModel(SMOOTH, async model => {
      const found = await model.attribute(IDS, {
        target: { kind: 'logit', token: 9 },
        method: 'occlusion',
        faithfulness: true
      });
      const { counts, deletion, insertion, deletionMean, random } =
        found.data.faithfulness!;
      expect(counts).toEqual([0, 1, 2, 3, 4, 5]);
      expect(deletion[0]).toBeCloseTo(found.value, 4);
      expect(deletion[5]).toBeCloseTo(found.baselineValue, 4);
      expect(insertion[0]).toBeCloseTo(found.baselineValue, 4);
      expect(insertion[5]).toBeCloseTo(found.value, 4);
      // Deleting the token with the largest attribution lowers the target by that much.
      const most = Math.max(...found.tokens.map(t => t.attribution));
      expect(deletion[1]).toBeCloseTo(found.value - most, 4);
      expect(deletionMean).toBeCloseTo(
        deletion.reduce((sum, x) => sum + x, 0) / 6,
        6
      );
      expect(random.orders).toBeGreaterThan(1);
    }));
});

describe('invalid input', () => {
  it('is rejected before anything runs', () =>
    withModel({ norms: false }, async model => {
      const cases: [Parameters<MoEModel['attribute']>[1], RegExp][] = [
        [{ position: 5 }, /no token 5 in a prompt of 5/],
        [{ position: -1 }, /no token -1/],
        [{ steps: 0 }, /steps 0/],
        [{ steps: 1.5 }, /steps 1\.5/],
        [{ target: { kind: 'logit', token: VOCABULARY } }, /vocabulary/],
        [{ target: { kind: 'logit', token: 'x' } }, /tokenizer/],
        [{ target: { kind: 'router', layer: 7, expert: 0 } }, /layer 7/],
        [{ target: { kind: 'router', layer: 0, expert: 8 } }, /no expert 8/],
        [{ baseline: { token: 99 } }, /vocabulary/],
        [{ baseline: { prompt: [1, 2] } }, /2 tokens.*5/]
      ];
      for (const [options, message] of cases) {
        await expect(model.attribute(IDS, options)).rejects.toMatchObject({
          code: 'input',
          message: expect.stringMatching(message)
        });
      }
    }));

  it('a run above the memory limit is rejected with the memory that it needs', () =>
    withModel({ norms: false }, async model => {
      await expect(
        model.attribute(IDS, { memoryLimit: 1000 })
      ).rejects.toMatchObject({
        code: 'gradient',
        message: expect.stringMatching(/5 tokens take about \d+ MB/)
      });
    }));

  it('a node that computes NaN is named', () =>
    // Its norm divides zero by zero.
    withModel({ norms: true }, async model => {
      await expect(model.attribute(IDS)).rejects.toMatchObject({
        code: 'gradient',
        message: expect.stringMatching(/contain NaN \(node \S+ \(Div\)\)/)
      });
    }));
});
