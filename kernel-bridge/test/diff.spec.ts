/** Routing diffs of real runs, against what PyTorch recorded of the same runs: who entered and left is counted here from that. */
import { basename } from 'node:path';
import { loadModel, type MoEModel } from '../src';
import { diffRouting } from '../src/analyses/diff/routing-diff';
import { asEdits, readEditTruth, type EditTruth } from './edit-truth';
import {
  DEMO,
  describeEach,
  readTruth,
  zooModel,
  zooModels,
  type TruthPrompt
} from './zoo';

const recorded = zooModels().filter(folder => readEditTruth(folder).length > 0);
const precisions = zooModels().filter(folder =>
  /^mixtral-(fp16|int8)$/.test(basename(folder))
);

interface Change {
  entered: number[];
  left: number[];
}

/**
 * The experts of each token, [tokens, k] to a list of sets. A weight of 0 is a token that was dropped over the capacity of
 * the expert.
 */
function expertsByToken(
  experts: Int32Array,
  weights: Float32Array,
  tokens: number
): ReadonlySet<number>[] {
  const k = experts.length / tokens;
  return Array.from(
    { length: tokens },
    (_, t) =>
      new Set(
        experts
          .subarray(t * k, (t + 1) * k)
          .filter((_expert, slot) => weights[t * k + slot] !== 0)
      )
  );
}

function changes(
  before: readonly ReadonlySet<number>[],
  after: readonly ReadonlySet<number>[]
): Change[] {
  const without = (a: ReadonlySet<number>, b: ReadonlySet<number>) =>
    [...a].filter(expert => !b.has(expert)).sort((x, y) => x - y);
  return before.map((experts, t) => ({
    entered: without(after[t], experts),
    left: without(experts, after[t])
  }));
}

/** What is left of a recorded choice by what the edit means. */
function afterEdit(
  { kind, value, experts, weights }: EditTruth,
  own: readonly ReadonlySet<number>[]
): ReadonlySet<number>[] {
  return kind === 'force'
    ? own.map(() => new Set([value]))
    : kind === 'drop'
      ? own.map(set => new Set([...set].filter(expert => expert !== value)))
      : expertsByToken(experts, weights, own.length);
}

describeEach(recorded, 'edits of $name', ({ folder }) => {
  const { prompts } = readTruth(folder);
  const [{ ids, prompt, routers, logits }] = prompts;
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(folder);
  });

  afterAll(() => model.dispose());

  it('change the experts that they changed in PyTorch', async () => {
    const before = await model.trace(prompt, { logits: 'all' });
    const cards = model.layers.filter(({ moe }) => moe);
    for (const edit of readEditTruth(folder)) {
      const { selected, weights } = routers[edit.router];
      const own = expertsByToken(selected, weights, ids.length);
      const diff = diffRouting(
        before,
        await model
          .with(asEdits(edit, cards[edit.router]))
          .trace(prompt, { logits: 'all' })
      );
      const [{ layers, output }] = diff.samples;
      expect(
        ids.map((_, t) => {
          const { entered, left } = layers[edit.router].at(t);
          return { entered, left };
        })
      ).toEqual(changes(own, afterEdit(edit, own)));
      // Earlier routers have not seen the edit.
      expect(
        diff.layers.slice(0, edit.router).map(({ changed }) => changed)
      ).toEqual(new Array(edit.router).fill(0));
      output.forEach(({ kl }, t) => {
        const width = logits.length / ids.length;
        const row = (values: Float32Array) =>
          Array.from(values.subarray(t * width, (t + 1) * width));
        const expected = divergence(row(logits), row(edit.logits));
        expect(Math.abs(kl - expected)).toBeLessThan(1e-4);
      });
    }
  });
});

describeEach(
  precisions,
  '$name beside the same model in full precision',
  ({ folder }) => {
    it('takes other experts where it did in PyTorch', async () => {
      const full = zooModel('mixtral-dynamo')!;
      const [a, b] = [full, folder].map(readTruth);
      const models = await Promise.all(
        [full, folder].map(path => loadModel(path))
      );
      try {
        const prompts = a.prompts.map(({ ids }, i) => ({
          id: `p${i}`,
          inputIds: ids
        }));
        const [before, after] = await Promise.all(
          models.map(model => model.trace(prompts))
        );
        const diff = diffRouting(before, after);
        const expected = a.prompts.map((prompt, i) =>
          prompt.routers.map((_, j) => changesAt(prompt, b.prompts[i], j))
        );
        expect(
          diff.samples.map(({ layers }) =>
            layers.map(layer =>
              Array.from({ length: layer.length }, (_, t) => {
                const { entered, left } = layer.at(t);
                return { entered, left };
              })
            )
          )
        ).toEqual(expected);
        // Margins, from the recorded logits.
        diff.samples.forEach(({ layers }, i) =>
          layers.forEach(({ margin, topK, identity }, j) =>
            margin.a.forEach((value, t) => {
              const row = a.prompts[i].routers[j].logits
                .slice(t * identity.experts, (t + 1) * identity.experts)
                .sort((x, y) => y - x);
              expect(
                Math.abs(value - (row[topK.a - 1] - row[topK.a]))
              ).toBeLessThan(1e-4);
            })
          )
        );
      } finally {
        await Promise.all(models.map(model => model.dispose()));
      }
    });
  }
);

function changesAt(a: TruthPrompt, b: TruthPrompt, router: number): Change[] {
  const [before, after] = [a, b].map(({ ids, routers }) =>
    expertsByToken(
      routers[router].selected,
      routers[router].weights,
      ids.length
    )
  );
  return changes(before, after);
}

/** KL in nats of two rows of logits, from the definition. */
function divergence(a: readonly number[], b: readonly number[]): number {
  const softmax = (row: readonly number[]): number[] => {
    const peak = Math.max(...row);
    const powers = row.map(x => Math.exp(x - peak));
    const sum = powers.reduce((x, y) => x + y, 0);
    return powers.map(x => x / sum);
  };
  const [p, q] = [softmax(a), softmax(b)];
  return p.reduce((sum, x, i) => sum + (x > 0 ? x * Math.log(x / q[i]) : 0), 0);
}

describe('runs of the demo model', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(DEMO);
  });

  afterAll(() => model.dispose());

  it('agree up to where the prompts part', async () => {
    const [a, b] = ['def fib(n):\n    return n', 'def fib(n):\n    print(n)'];
    const diff = diffRouting(await model.trace(a), await model.trace(b));
    const [{ alignment, layers, samples }] = diff.samples;
    const common = samples.a.tokens.findIndex(
      ({ id }, i) => id !== samples.b.tokens[i]?.id
    );
    expect(alignment.by).toBe('sequence');
    expect(common).toBeGreaterThan(2);
    for (const layer of layers) {
      for (let t = 0; t < common; t++) {
        expect(layer.at(t)).toMatchObject({ entered: [], left: [] });
      }
    }
  });

  it('lose an expert of each token by a smaller k', async () => {
    const prompt = 'Der Wald war still.';
    const diff = diffRouting(
      await model.trace(prompt),
      await model.with({ topK: [{ layer: 0, k: 1 }] }).trace(prompt)
    );
    const [first] = diff.layers;
    expect(first).toMatchObject({
      topK: { a: 2, b: 1 },
      changedShare: 1,
      jaccard: 0.5
    });
    expect(first.left.reduce((sum, n) => sum + n, 0)).toBe(first.tokens);
  });
});
