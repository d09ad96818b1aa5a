/** Routers in other spellings: each is read and routes as the plain form with the same weights does. */
import { saveModel, type GraphBuilder } from '../../test/graph-builder';
import {
  tinyMoE,
  type Routing,
  type RouterWriter,
  type Sizes
} from '../../test/tiny-moe';
import { loadModel } from '../api/load-model';
import { Graph } from '../onnx/graph/graph';
import { inspectModel } from '../run/model/structure';
import { findRouters } from './find-routers';

const IDS = [4, 8, 15, 16, 23, 42, 7, 1, 30, 11];
const LAST = { axis: -1 };

type Unary = (b: GraphBuilder, x: string) => string;
type Write = (b: GraphBuilder, logits: string, size: Sizes) => Routing;

const one = (b: GraphBuilder, value: number): string => b.floats([value], []);
const sum = (b: GraphBuilder, x: string): string =>
  b.over('ReduceSum', x, [-1], { keepdims: 1 });
const largest = (b: GraphBuilder, x: string): string =>
  b.op('ReduceMax', [x, b.ints([-1])], { keepdims: 1 });
const shares = (b: GraphBuilder, values: string): string =>
  b.op('Div', [values, sum(b, values)]);

const router =
  (write: Write): RouterWriter =>
  (b, x, size) =>
    write(
      b,
      b.op('MatMul', [x, b.weight([size.hidden, size.experts], 2)]),
      size
    );

const build = (write: Write, k = 2) =>
  tinyMoE({ router: router(write), layers: 2, topK: k, opset: 18 }).build();

async function routing(write: Write, k?: number) {
  const model = await loadModel(saveModel(build(write, k)));
  const trace = await model.trace(IDS);
  const layers = trace.samples[0].layers.map(
    ({ logits, selected, weights, experts, topK }) => ({
      logits,
      experts,
      topK,
      // By expert, since slots of equal scores may come in any order.
      chosen: Array.from({ length: IDS.length }, (_, t) =>
        Object.fromEntries(
          Array.from({ length: topK }, (_, i) => [
            selected[t * topK + i],
            weights[t * topK + i]
          ])
        )
      )
    })
  );
  await model.dispose();
  return layers;
}

/** Both are captured from onnxruntime; the plain form is compared with PyTorch in truth.spec. */
async function expectSame(write: Write, plain: Write, k?: number) {
  const [own, expected] = [await routing(write, k), await routing(plain, k)];
  expect(own.length).toBe(2);
  own.forEach((layer, i) => {
    expect(layer.experts).toBe(8);
    expect(layer.topK).toBe(k ?? 2);
    // Sums of other kernels end in other last digits.
    expect(layer.logits.length).toBe(IDS.length * 8);
    layer.logits.forEach((logit, at) =>
      expect(logit).toBeCloseTo(expected[i].logits[at], 4)
    );
    layer.chosen.forEach((chosen, t) => {
      const wanted = expected[i].chosen[t];
      expect(Object.keys(chosen)).toEqual(Object.keys(wanted));
      for (const [expert, weight] of Object.entries(chosen)) {
        expect(weight).toBeCloseTo(wanted[Number(expert)], 5);
      }
    });
  });
}

const BIAS = [0.3, -0.2, 0.1, 0, -0.1, 0.2, -0.3, 0.05];

/** Chosen by scores and a bias, weighted by the scores alone. */
const biased =
  (score: Unary): Write =>
  (b, logits, { topK: k }) => {
    const scores = score(b, logits);
    const [, selected] = b.many(
      'TopK',
      [b.op('Add', [scores, b.floats(BIAS)]), b.ints([k])],
      2
    );
    const chosen = b.op('GatherElements', [scores, selected], LAST);
    return { selected, weights: shares(b, chosen) };
  };

const sigmoid: Unary = (b, x) => b.op('Sigmoid', [x]);
const softmax: Unary = (b, x) => b.op('Softmax', [x], LAST);
const minus: Unary = (b, x) => b.op('Neg', [x]);
const exp: Unary = (b, x) => b.op('Exp', [x]);

const sigmoids: Record<string, Unary> = {
  'the reciprocal of 1 + exp(-x)': (b, x) =>
    b.op('Reciprocal', [b.op('Add', [exp(b, minus(b, x)), one(b, 1)])]),
  '1 / (1 + exp(-1 x))': (b, x) =>
    b.op('Div', [
      one(b, 1),
      b.op('Add', [one(b, 1), exp(b, b.op('Mul', [x, one(b, -1)]))])
    ]),
  'exp(x) / (1 + exp(x))': (b, x) =>
    b.op('Div', [exp(b, x), b.op('Add', [exp(b, x), one(b, 1)])]),
  'a power of -1': (b, x) =>
    b.op('Pow', [b.op('Add', [exp(b, minus(b, x)), one(b, 1)]), one(b, -1)]),
  'half of 1 + tanh(x / 2)': (b, x) =>
    b.op('Mul', [
      b.op('Add', [b.op('Tanh', [b.op('Div', [x, one(b, 2)])]), one(b, 1)]),
      one(b, 0.5)
    ]),
  'exp(-softplus(-x))': (b, x) =>
    exp(b, minus(b, b.op('Softplus', [minus(b, x)]))),
  'exp(-softplus(-x)) with the softplus spelled': (b, x) =>
    exp(
      b,
      minus(
        b,
        b.op('Log', [
          b.op('Add', [exp(b, b.op('Sub', [one(b, 0), x])), one(b, 1)])
        ])
      )
    ),
  'one formula for each sign': (b, x) => {
    const small = exp(b, minus(b, b.op('Abs', [x])));
    const below = b.op('Add', [small, one(b, 1)]);
    return b.op('Where', [
      b.op('GreaterOrEqual', [x, one(b, 0)]),
      b.op('Reciprocal', [below]),
      b.op('Div', [small, below])
    ]);
  }
};

const softmaxes: Record<string, Unary> = {
  'exp(x) / sum': (b, x) => shares(b, exp(b, x)),
  'exp(x - max) / sum': (b, x) =>
    shares(b, exp(b, b.op('Sub', [x, largest(b, x)]))),
  'exp(x - max) times the reciprocal of the sum': (b, x) => {
    const e = exp(b, b.op('Sub', [x, largest(b, x)]));
    return b.op('Mul', [e, b.op('Reciprocal', [sum(b, e)])]);
  },
  'exp of a LogSoftmax': (b, x) => exp(b, b.op('LogSoftmax', [x], LAST)),
  'exp(x - log of the sum of exp)': (b, x) =>
    exp(
      b,
      b.op('Sub', [
        x,
        b.op('ReduceLogSumExp', [x, b.ints([-1])], { keepdims: 1 })
      ])
    )
};

describe.each(Object.entries(sigmoids))('a sigmoid as %s', (_, spelled) => {
  it('is read as a sigmoid', () =>
    expectSame(biased(spelled), biased(sigmoid)));
});

describe.each(Object.entries(softmaxes))('a softmax as %s', (_, spelled) => {
  it('is read as a softmax', () =>
    expectSame(biased(spelled), biased(softmax)));

  it('is read after the choice', () => {
    const after =
      (score: Unary): Write =>
      (b, logits, { topK: k }) => {
        const [values, selected] = b.many('TopK', [logits, b.ints([k])], 2);
        return { selected, weights: score(b, values) };
      };
    return expectSame(after(spelled), after(softmax));
  });
});

const noOps: Record<string, Unary> = {
  CastLike: (b, x) => b.op('CastLike', [x, b.floats([0])]),
  'a Cast to double and back': (b, x) =>
    b.op('Cast', [b.op('Cast', [x], { to: 11 })], { to: 1 }),
  Dropout: (b, x) => b.many('Dropout', [x], 2)[0],
  'Unsqueeze and Squeeze': (b, x) =>
    b.over('Squeeze', b.over('Unsqueeze', x, [0]), [0]),
  'transposes that cancel': (b, x) =>
    b.op('Transpose', [b.op('Transpose', [x], { perm: [1, 0] })], {
      perm: [1, 0]
    }),
  'a factor of 1 and a sum with 0': (b, x) =>
    b.op('Add', [b.op('Mul', [x, one(b, 1)]), one(b, 0)]),
  'a Slice of all': (b, x) =>
    b.op('Slice', [x, b.ints([0]), b.ints([2 ** 40]), b.ints([-1])]),
  'a Concat of one': (b, x) => b.op('Concat', [x], LAST),
  'an Expand to ones': (b, x) => b.op('Expand', [x, b.ints([1, 1])]),
  'a Clip without bounds': (b, x) => b.op('Clip', [x])
};

describe.each(Object.entries(noOps))('%s', (_, noOp) => {
  it('is stepped over before and after the choice, and on the indices', () => {
    const write: Write = (b, logits, { topK: k }) => {
      const scores = noOp(b, softmax(b, noOp(b, logits)));
      const [values, selected] = b.many(
        'TopK',
        [noOp(b, scores), b.ints([k])],
        2
      );
      return { selected, weights: noOp(b, shares(b, noOp(b, values))) };
    };
    const plain: Write = (b, logits, { topK: k }) => {
      const [values, selected] = b.many(
        'TopK',
        [softmax(b, logits), b.ints([k])],
        2
      );
      return { selected, weights: shares(b, values) };
    };
    return expectSame(write, plain);
  });
});

describe('quantisers around the softmax and the choice', () => {
  const STEP = 1 / 64;
  const pair: Unary = (b, x) => {
    const step = one(b, STEP);
    return b.op('DequantizeLinear', [b.op('QuantizeLinear', [x, step]), step]);
  };

  it('are stepped over, and the experts are those of the rounded scores', async () => {
    const layers = await routing((b, logits, { topK: k }) => {
      const scores = pair(b, softmax(b, logits));
      const [values, selected] = b.many('TopK', [scores, b.ints([k])], 2);
      return { selected, weights: shares(b, pair(b, values)) };
    });
    expect(layers).toHaveLength(2);
    for (const { logits, chosen } of layers) {
      chosen.forEach((own, t) => {
        const row = [...logits.slice(t * 8, t * 8 + 8)];
        const total = row.reduce((all, x) => all + Math.exp(x), 0);
        const rounded = row.map(
          x => Math.round(Math.exp(x) / total / STEP) * STEP
        );
        const best = row
          .map((_, e) => e)
          .sort((a, b) => rounded[b] - rounded[a] || a - b)
          .slice(0, 2);
        const sumOfBest = rounded[best[0]] + rounded[best[1]];
        expect(Object.keys(own).map(Number)).toEqual(
          [...best].sort((a, b) => a - b)
        );
        best.forEach(expert =>
          expect(own[expert]).toBeCloseTo(rounded[expert] / sumOfBest, 5)
        );
      });
    }
  });
});

/** Chosen by softmax, divided by the sum. */
const plainChoice: Write = (b, logits, { topK: k }) => {
  const [values, selected] = b.many(
    'TopK',
    [softmax(b, logits), b.ints([k])],
    2
  );
  return { selected, weights: shares(b, values) };
};

const smallest = { axis: -1, largest: 0 };
const choices: Record<string, Write> = {
  'the smallest of negated scores, gathered': (b, logits, { topK: k }) => {
    const scores = softmax(b, logits);
    const [, selected] = b.many(
      'TopK',
      [minus(b, scores), b.ints([k])],
      2,
      smallest
    );
    const chosen = b.op('GatherElements', [scores, selected], LAST);
    return { selected, weights: shares(b, chosen) };
  },
  'the smallest of scores times -1, negated again': (
    b,
    logits,
    { topK: k }
  ) => {
    const scores = b.op('Mul', [softmax(b, logits), one(b, -1)]);
    const [values, selected] = b.many(
      'TopK',
      [scores, b.ints([k])],
      2,
      smallest
    );
    return { selected, weights: shares(b, minus(b, values)) };
  },
  'the smallest of negated logits': (b, logits, { topK: k }) => {
    const [values, selected] = b.many(
      'TopK',
      [minus(b, logits), b.ints([k])],
      2,
      smallest
    );
    return { selected, weights: softmax(b, minus(b, values)) };
  },
  'the last of an ascending sort': (b, logits, { topK: k, experts }) => {
    const [values, indices] = b.many(
      'TopK',
      [softmax(b, logits), b.ints([experts])],
      2,
      smallest
    );
    const last = (x: string): string =>
      b.op('Slice', [x, b.ints([-k]), b.ints([2 ** 40]), b.ints([-1])]);
    return { selected: last(indices), weights: shares(b, last(values)) };
  },
  'the first of a sort, by Gather': (b, logits, { topK: k, experts }) => {
    const [values, indices] = b.many(
      'TopK',
      [softmax(b, logits), b.ints([experts])],
      2
    );
    const first = (x: string): string =>
      b.op('Gather', [x, b.ints(Array.from({ length: k }, (_, i) => i))], {
        axis: -1
      });
    return { selected: first(indices), weights: shares(b, first(values)) };
  },
  'the first of a sort, by Split': (b, logits, { topK: k, experts }) => {
    const [values, indices] = b.many(
      'TopK',
      [softmax(b, logits), b.ints([experts])],
      2
    );
    const first = (x: string): string =>
      b.many('Split', [x, b.ints([k, experts - k])], 2, LAST)[0];
    return { selected: first(indices), weights: shares(b, first(values)) };
  },
  'scores that are scaled before the choice': (b, logits, { topK: k }) => {
    const scores = b.op('Mul', [softmax(b, logits), one(b, 3)]);
    const [values, selected] = b.many('TopK', [scores, b.ints([k])], 2);
    return { selected, weights: shares(b, values) };
  },
  'gathered logits, scored after the choice': (b, logits, { topK: k }) => {
    const [, selected] = b.many('TopK', [logits, b.ints([k])], 2);
    const chosen = b.op('GatherElements', [logits, selected], LAST);
    return { selected, weights: softmax(b, chosen) };
  }
};

describe.each(Object.entries(choices))('%s', (_, write) => {
  it('routes as the largest scores do', () => expectSame(write, plainChoice));
});

describe('one expert a token', () => {
  /** The softmax of the best, not divided. */
  const plain: Write = (b, logits, { topK: k }) => {
    const [weights, selected] = b.many(
      'TopK',
      [softmax(b, logits), b.ints([k])],
      2
    );
    return { selected, weights };
  };
  const byArg =
    (op: string, sign: Unary): Write =>
    (b, logits) => {
      const scores = softmax(b, logits);
      const selected = b.op(op, [sign(b, scores)], { axis: -1, keepdims: 1 });
      return {
        selected,
        weights: b.op('GatherElements', [scores, selected], LAST)
      };
    };

  it.each([
    ['ArgMax', (_: GraphBuilder, x: string) => x],
    ['ArgMin', minus]
  ] as const)('%s', (op, sign) => expectSame(byArg(op, sign), plain, 1));

  it('takes a selection bias with ArgMax', () => {
    const write: Write = (b, logits) => {
      const scores = sigmoid(b, logits);
      const selected = b.op('ArgMax', [b.op('Add', [scores, b.floats(BIAS)])], {
        axis: -1,
        keepdims: 1
      });
      return {
        selected,
        weights: b.op('GatherElements', [scores, selected], LAST)
      };
    };
    const plainBias: Write = (b, logits, { topK: k }) => {
      const scores = sigmoid(b, logits);
      const [, selected] = b.many(
        'TopK',
        [b.op('Add', [scores, b.floats(BIAS)]), b.ints([k])],
        2
      );
      return {
        selected,
        weights: b.op('GatherElements', [scores, selected], LAST)
      };
    };
    return expectSame(write, plainBias, 1);
  });
});

const unread: Record<string, Write> = {
  'a hard sigmoid': biased((b, x) => b.op('HardSigmoid', [x])),
  'x times its sigmoid': biased((b, x) => b.op('Mul', [x, sigmoid(b, x)])),
  'a softmax with 1 in its sum': biased((b, x) => {
    const e = exp(b, x);
    return b.op('Div', [e, b.op('Add', [sum(b, e), one(b, 1)])]);
  }),
  'a sigmoid of a softmax': biased((b, x) => sigmoid(b, softmax(b, x))),
  'the smallest scores': (b, logits, { topK: k }) => {
    const [values, selected] = b.many(
      'TopK',
      [softmax(b, logits), b.ints([k])],
      2,
      smallest
    );
    return { selected, weights: shares(b, values) };
  },
  'weights that include the selection bias': (b, logits, { topK: k }) => {
    const [weights, selected] = b.many(
      'TopK',
      [b.op('Add', [sigmoid(b, logits), b.floats(BIAS)]), b.ints([k])],
      2
    );
    return { selected, weights };
  },
  'a temperature of the chosen logits': (b, logits, { topK: k }) => {
    const [values, selected] = b.many('TopK', [logits, b.ints([k])], 2);
    return {
      selected,
      weights: softmax(b, b.op('Mul', [values, one(b, 0.5)]))
    };
  },
  'the square root of the weights': (b, logits, { topK: k }) => {
    const [values, selected] = b.many(
      'TopK',
      [softmax(b, logits), b.ints([k])],
      2
    );
    return { selected, weights: b.op('Sqrt', [values]) };
  }
};

describe.each(Object.entries(unread))('%s', (_, write) => {
  it('is reported with its layer and node, and its layer is not called dense', () => {
    const folder = saveModel(build(write));
    const { layers, warnings } = inspectModel(folder);
    expect(layers).toMatchObject([
      { layer: 0, moe: null },
      { layer: 1, moe: null }
    ]);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toMatch(/TopK/);
  });
});

describe('a dense layer', () => {
  it('is dense, also beside a layer that selects', () => {
    const graph = tinyMoE({
      router: router(unread['the smallest scores']),
      layers: 3,
      dense: [1]
    }).build();
    expect(inspectModel(saveModel(graph)).layers.map(({ moe }) => moe)).toEqual(
      [null, false, null]
    );
  });

  it('has no router, whatever its activation is', () => {
    const graph = tinyMoE({ layers: 2, dense: [0, 1] }).build().graph;
    const { routers, unknown } = findRouters(new Graph(graph));
    expect(routers).toEqual([]);
    expect(unknown).toEqual([]);
  });
});
