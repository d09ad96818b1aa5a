/** Heads found by their scores: those of a model that was trained to have them, and none where weights are random. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inspectModel, loadModel, type HeadsResult } from '../src';
import type { MoEModel } from '../src/api/moe-model';
import { DEMO, describeEach, INDUCTION, largerZoo, smallModels } from './zoo';

interface HeadTruth {
  layer: number;
  head: number;
  score: number;
}

interface Truth {
  ids: number[][];
  prefix_matching: number[][];
  previous_token: number[][];
  induction_heads: HeadTruth[];
  previous_token_heads: HeadTruth[];
  second_copy_accuracy: number;
  accuracy_without_head: number[][];
}

const truth = JSON.parse(
  readFileSync(join(INDUCTION, 'truth.json'), 'utf8')
) as Truth;

function places(heads: readonly { layer: number; head: number }[]): string[] {
  return heads.map(({ layer, head }) => `${layer}:${head}`).sort();
}

describe('a model with induction heads', () => {
  it('has the scores that PyTorch’s attention gave, on the same tokens', async () => {
    const model = await loadModel(INDUCTION);
    const found = await model.findHeads({
      sequences: truth.ids,
      removal: true
    });
    await model.dispose();
    expect(found.heads).toHaveLength(8);
    for (const { layer, head, scores, accuracyWithout } of found.heads) {
      expect(scores.prefixMatching.mean).toBeCloseTo(
        truth.prefix_matching[layer][head],
        5
      );
      expect(scores.previousToken.mean).toBeCloseTo(
        truth.previous_token[layer][head],
        5
      );
      // A token of 1216 may fall either way by rounding.
      expect(
        Math.abs(accuracyWithout! - truth.accuracy_without_head[layer][head])
      ).toBeLessThan(1.5 / 1216);
    }
    expect(
      Math.abs(found.data.accuracy - truth.second_copy_accuracy)
    ).toBeLessThan(1.5 / 1216);
    expectFound(found);
  }, 120_000);

  it('has the same heads on tokens of our own', async () => {
    const model = await loadModel(INDUCTION);
    const found = await model.findHeads({ count: 16, length: 20, seed: 7 });
    await model.dispose();
    expectFound(found);
    expect(found.data.accuracy).toBeGreaterThan(0.9);
  });

  function expectFound(found: HeadsResult): void {
    expect(places(found.of('induction'))).toEqual(
      places(truth.induction_heads)
    );
    expect(places(found.of('previous-token'))).toEqual(
      places(truth.previous_token_heads)
    );
    expect(found.of('duplicate-token')).toEqual([]);
  }
});

/** Models whose weights are random, but for one that needs a graphics card. The first of the small ones is enough. */
const random = [smallModels()[0], ...largerZoo()].filter(
  own => !/^(demo|lm|induction|.*cuda)/.test(basename(own))
);

describeEach(random, 'heads of $name', ({ folder: own }) => {
  it('are none, since its weights are random', async () => {
    const model = await loadModel(own);
    const found = await model.findHeads({ count: 4, length: 12 });
    await model.dispose();
    expect(found.heads.length).toBeGreaterThan(0);
    expect(found.heads.filter(({ kinds }) => kinds.length > 0)).toEqual([]);
  }, 60_000);
});

describe('the demo model', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(DEMO);
  });
  afterAll(() => model.dispose());

  it('has scores with intervals that hold their means, and skips special tokens', async () => {
    const progress: [number, number][] = [];
    const options = { count: 6, length: 10, seed: 3 };
    const found = await model.findHeads({
      ...options,
      onProgress: ({ done, total }) => progress.push([done, total])
    });
    const { layers } = inspectModel(DEMO);
    expect(found.heads).toHaveLength(layers.length * 6);
    for (const { scores, chance } of found.heads) {
      for (const { mean, low, high } of Object.values(scores)) {
        expect(low).toBeLessThanOrEqual(mean);
        expect(high).toBeGreaterThanOrEqual(mean);
        expect(mean).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
      }
      expect(chance.prefixMatching).toBeLessThan(0.1);
    }
    expect(progress.at(-1)).toEqual([6, 6]);
    const { data } = found.figure('previousToken');
    expect(data.layers).toHaveLength(layers.length);
    expect(data.values.flat()).toEqual(
      found.heads.map(({ scores }) => scores.previousToken.mean)
    );
    expect((await model.findHeads(options)).toJSON()).toEqual(found.toJSON());
  }, 120_000);

  it('attends to no token that is still to come', async () => {
    const record = await model.attention('def fib(n):');
    const tokens = record.tokens.length;
    expect(record.tokens.map(({ text }) => text).join('')).toBe('def fib(n):');
    const head = record.head({ layer: 2, head: 5 })!;
    expect(head).toHaveLength(tokens * tokens);
    expect(head.subarray(0, tokens)).toEqual(
      Float32Array.from({ length: tokens }, (_, key) => (key === 0 ? 1 : 0))
    );
    expect(record.head({ layer: 2, head: 6 })).toBeUndefined();
    const figure = record.figure({ layer: 2, head: 5 });
    expect(figure.data.values.flat()).toEqual([...head]);
    expect(figure.drawing).toMatchObject({
      kind: 'matrix',
      domain: [0, 1],
      y: { labels: ['def', '·f', 'ib', '(', 'n', '):'] }
    });
    expect(() => record.figure({ layer: 6, head: 0 })).toThrow(
      /no head 0 in layer 6/
    );
    expect(record.toString()).toMatch(/layer 5 head 5 +0\.\d{3}/);
    const { layers } = record.toJSON();
    expect(layers[2].probabilities[5][1]).toEqual([
      ...head.subarray(tokens, 2 * tokens)
    ]);
  }, 60_000);

  it.each([
    [{ threshold: 0 }, /invalid threshold 0/],
    [{ count: 0 }, /count cannot be 0/],
    [{ length: 1.5 }, /length cannot be 1.5/],
    [{ length: 4000 }, /no 4000 distinct non-special tokens|context/],
    [{ sequences: [] }, /no sequences/],
    [{ sequences: [[1, 2, 3, 4]] }, /not 2 tokens followed by the same tokens/],
    [{ sequences: [[99999, 2, 99999, 2]] }, /99999/],
    [{ sequences: [[5, 6, 5, 6]], count: 3 }, /either sequences, or/]
  ])('refuses %j', async (options, message) => {
    await expect(model.findHeads(options)).rejects.toThrow(message);
  });

  it('refuses attention that would not fit the memory', async () => {
    await expect(
      model.attention('def fib(n):', { memoryLimit: 100 })
    ).rejects.toThrow(/shorter prompt/);
  });
});
