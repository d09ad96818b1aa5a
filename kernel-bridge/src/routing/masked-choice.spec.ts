/** Choices that a graph changes after they are made: skip classes, capacity, padding. The trace has what the model applies. */
import { saveModel, type GraphBuilder } from '../../test/graph-builder';
import {
  tinyMoE,
  type Routing,
  type RouterWriter,
  type Sizes
} from '../../test/tiny-moe';
import { loadModel } from '../api/load-model';

const IDS = [4, 8, 15, 16, 23, 42, 7, 1, 30, 11, 2, 9];
const LAST = { axis: -1 };

/** A choice by softmax, and the mask that `change` makes of it: true where no expert shall run. */
const changed =
  (
    change: (
      b: GraphBuilder,
      chosen: { selected: string; weights: string },
      size: Sizes
    ) => Routing,
    divided = false
  ): RouterWriter =>
  (b, x, size) => {
    const { hidden, experts, topK } = size;
    const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
    const [values, selected] = b.many(
      'TopK',
      [b.op('Softmax', [logits], LAST), b.ints([topK])],
      2
    );
    const routing = change(b, { selected, weights: values }, size);
    return divided
      ? {
          ...routing,
          weights: b.op('Div', [
            routing.weights,
            b.op('Add', [
              b.over('ReduceSum', routing.weights, [-1], { keepdims: 1 }),
              b.floats([1e-9], [])
            ])
          ])
        }
      : routing;
  };

/** The rows of a trace of layer 0, and the softmax of its logits, computed here. */
async function traced(router: RouterWriter, topK = 2) {
  const model = await loadModel(
    saveModel(tinyMoE({ router, topK, layers: 1 }).build())
  );
  const trace = await model.trace(IDS);
  const { logits, selected, weights } = trace.samples[0].layers[0];
  await model.dispose();
  return IDS.map((_, t) => {
    const row = [...logits.slice(t * 8, t * 8 + 8)];
    const sum = row.reduce((all, x) => all + Math.exp(x), 0);
    const scores = row.map(x => Math.exp(x) / sum);
    const best = row
      .map((_, e) => e)
      .sort((a, b) => row[b] - row[a])
      .slice(0, topK);
    return {
      scores,
      best,
      selected: [...selected.slice(t * topK, t * topK + topK)],
      weights: [...weights.slice(t * topK, t * topK + topK)]
    };
  });
}

const SKIPPED = 3;
const isSkipped = (b: GraphBuilder, selected: string): string =>
  b.op('Equal', [selected, b.ints([SKIPPED], [])]);

describe('a skip class', () => {
  it.each([
    [
      'replaces id and weight',
      changed((b, { selected, weights }) => {
        const skipped = isSkipped(b, selected);
        return {
          selected: b.op('Where', [skipped, b.ints([0], []), selected]),
          weights: b.op('Where', [skipped, b.floats([0], []), weights])
        };
      })
    ],
    [
      'keeps the id and multiplies the weight by a mask',
      changed((b, { selected, weights }) => ({
        selected,
        weights: b.op('Mul', [
          weights,
          b.op('Cast', [b.op('Not', [isSkipped(b, selected)])], { to: 1 })
        ])
      }))
    ]
  ])('%s', async (_, router) => {
    const rows = await traced(router);
    const met = rows.filter(({ best }) => best.includes(SKIPPED));
    expect(met.length).toBeGreaterThan(0);
    expect(met.length).toBeLessThan(IDS.length);
    for (const { best, scores, selected, weights } of rows) {
      expect(selected).toEqual(best);
      best.forEach((expert, slot) =>
        expect(weights[slot]).toBeCloseTo(
          expert === SKIPPED ? 0 : scores[expert],
          5
        )
      );
    }
  });

  it('is not in the sum that divides the weights', async () => {
    const rows = await traced(
      changed(
        (b, { selected, weights }) => ({
          selected,
          weights: b.op('Where', [
            isSkipped(b, selected),
            b.floats([0], []),
            weights
          ])
        }),
        true
      )
    );
    const met = rows.filter(({ best }) => best.includes(SKIPPED));
    expect(met.length).toBeGreaterThan(0);
    for (const { best, weights } of met) {
      best.forEach((expert, slot) =>
        expect(weights[slot]).toBeCloseTo(expert === SKIPPED ? 0 : 1, 5)
      );
    }
  });
});

describe('experts that are replaced and keep their weight', () => {
  it('are those that run', async () => {
    const replaced = 7;
    const rows = await traced(
      changed((b, { selected, weights }) => ({
        // Expert 5 stands in.
        selected: b.op('Where', [
          b.op('Equal', [selected, b.ints([replaced], [])]),
          b.ints([5], []),
          selected
        ]),
        weights
      })),
      1
    );
    expect(rows.some(({ best }) => best[0] === replaced)).toBe(true);
    expect(rows.some(({ best }) => best[0] !== replaced)).toBe(true);
    for (const { best, scores, selected, weights } of rows) {
      expect(selected).toEqual(best.map(e => (e === replaced ? 5 : e)));
      expect(weights[0]).toBeCloseTo(scores[best[0]], 5);
    }
  });

  it('are those of a bound of the indices', async () => {
    const rows = await traced(
      changed((b, { selected, weights }) => ({
        selected: b.op('Min', [selected, b.ints([6], [])]),
        weights
      })),
      1
    );
    expect(rows.some(({ best }) => best[0] === 7)).toBe(true);
    for (const { best, selected } of rows) {
      expect(selected).toEqual(best.map(e => Math.min(e, 6)));
    }
  });
});

describe('a capacity', () => {
  it('leaves no weight to what comes after it', async () => {
    const rows = await traced(
      changed((b, { selected, weights }, { experts, topK }) => {
        // The place of each token in the queue of its expert, [tokens, k].
        const rowsOf = b.op('OneHot', [
          b.op('Reshape', [selected, b.ints([-1])]),
          b.ints([experts]),
          b.floats([0, 1])
        ]);
        const count = b.op('CumSum', [rowsOf, b.ints([0], [])]);
        const place = b.over('ReduceSum', b.op('Mul', [count, rowsOf]), [-1], {
          keepdims: 0
        });
        const kept = b.op('LessOrEqual', [
          b.op('Reshape', [place, b.ints([-1, topK])]),
          b.floats([2], [])
        ]);
        return {
          selected,
          weights: b.op('Mul', [weights, b.op('Cast', [kept], { to: 1 })])
        };
      }),
      1
    );
    const seen = new Map<number, number>();
    let dropped = 0;
    for (const { best, scores, selected, weights } of rows) {
      const [expert] = best;
      const place = (seen.get(expert) ?? 0) + 1;
      seen.set(expert, place);
      dropped += place > 2 ? 1 : 0;
      expect(selected).toEqual([expert]);
      expect(weights[0]).toBeCloseTo(place > 2 ? 0 : scores[expert], 5);
    }
    expect(dropped).toBeGreaterThan(0);
  });
});
