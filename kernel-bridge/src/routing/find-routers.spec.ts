import {
  randomNumbers,
  saveModel,
  type GraphBuilder
} from '../../test/graph-builder';
import {
  mixtralRouter,
  tinyMoE,
  type RouterWriter,
  type TinyOptions
} from '../../test/tiny-moe';
import { Graph } from '../graph/graph';
import { loadModel } from '../model/load-model';
import type { GraphProto } from '../onnx/schema';
import { findRouters } from './find-routers';

const routersOf = (graph: GraphProto) => findRouters(new Graph(graph)).routers;
const find = (options: TinyOptions = {}) =>
  routersOf(tinyMoE(options).build().graph);
const product = (
  b: GraphBuilder,
  x: string,
  hidden: number,
  experts: number
): string => b.op('MatMul', [x, b.weight([hidden, experts], 2)]);

describe('findRouters', () => {
  it('finds one router a block and says how it routes', () => {
    expect(find({ layers: 3 })).toEqual(
      [0, 1, 2].map(layer =>
        expect.objectContaining({
          layer,
          experts: 8,
          topK: 2,
          pattern: 'softmax > top-k > renormalise',
          convention: {
            score: 'softmax',
            scoreBeforeTopK: true,
            renormalized: true
          }
        })
      )
    );
  });

  it.each([
    { experts: 3, topK: 1, hidden: 8, layers: 1 },
    { experts: 64, topK: 6, hidden: 32, layers: 5 },
    { experts: 128, topK: 8, hidden: 24, layers: 2 },
    { experts: 5, topK: 5, hidden: 10, layers: 2 }
  ])('is indifferent to sizes: top-$topK of $experts, $layers layers', size => {
    expect(
      find(size).map(({ layer, experts, topK }) => ({ layer, experts, topK }))
    ).toEqual(
      Array.from({ length: size.layers }, (_, layer) => ({
        layer,
        experts: size.experts,
        topK: size.topK
      }))
    );
  });

  it('leaves dense blocks out and counts them', () => {
    const { routers, blocks } = findRouters(
      new Graph(tinyMoE({ layers: 4, dense: [0, 2] }).build().graph)
    );
    expect(routers.map(({ layer }) => layer)).toEqual([1, 3]);
    expect(blocks.counts).toEqual([{ blocks: 4 }]);
  });

  it('knows where a block ends when there is no norm before the router', () => {
    expect(
      find({ norms: false, layers: 3 }).map(({ layer, module }) => ({
        layer,
        module
      }))
    ).toEqual([{ layer: 0 }, { layer: 1 }, { layer: 2 }]);
  });

  it('reads structure, not names or the order of nodes', () => {
    const { graph } = tinyMoE({ layers: 3, dense: [1] }).build();
    const before = routersOf(graph);
    const random = randomNumbers(7);
    const names = new Map<string, string>([['', '']]);
    const rename = (name = ''): string =>
      names.get(name) ??
      names.set(name, `x${Math.floor(random() * 1e12)}`).get(name)!;
    const renamed: GraphProto = {
      ...graph,
      initializer: graph.initializer.map(tensor => ({
        ...tensor,
        name: rename(tensor.name)
      })),
      input: graph.input,
      output: graph.output,
      node: graph.node
        .map(node => ({
          ...node,
          name: rename(node.opType),
          input: node.input.map(name =>
            name === 'input_ids' ? name : rename(name)
          ),
          output: node.output.map(name =>
            name === 'logits' ? name : rename(name)
          )
        }))
        .map(node => ({ node, key: random() }))
        .sort((a, b) => a.key - b.key)
        .map(({ node }) => node)
    };
    const after = routersOf(renamed);
    expect(
      after.map(({ layer, experts, topK, pattern, convention }) => ({
        layer,
        experts,
        topK,
        pattern,
        convention
      }))
    ).toEqual(
      before.map(({ layer, experts, topK, pattern, convention }) => ({
        layer,
        experts,
        topK,
        pattern,
        convention
      }))
    );
    expect(after.map(({ tensors }) => tensors.logits)).toEqual(
      before.map(({ tensors }) => names.get(tensors.logits))
    );
  });

  it('does not take a choice of next tokens for a router', () => {
    const b = tinyMoE({ layers: 1, dense: [0] });
    // Sampling in the graph: the best 5 tokens of the last logits, and their probabilities.
    const [values, indices] = b.many(
      'TopK',
      [b.op('Softmax', ['logits'], { axis: -1 }), b.ints([5])],
      2
    );
    const sum = b.over('ReduceSum', values, [-1], { keepdims: 1 });
    b.output(b.op('Div', [values, sum]));
    b.output(indices, 'int64');
    expect(routersOf(b.build().graph)).toEqual([]);
  });

  it('does not take a sort of tokens for a router', () => {
    const b = tinyMoE({ layers: 1, dense: [0] });
    const length = b.op('Gather', [b.op('Shape', ['input_ids']), b.ints([1])]);
    const sorted = b.many('TopK', ['input_ids', length], 2, { largest: 0 });
    b.output(sorted[1], 'int64');
    expect(routersOf(b.build().graph)).toEqual([]);
  });

  it('finds both routers of a block that routes twice', () => {
    const twice: RouterWriter = (b, x, size) => {
      const first = mixtralRouter(b, x, size);
      const second = mixtralRouter(b, x, size);
      // The second router's experts are stored vectors, gathered and summed into the weights.
      const vectors = b.op(
        'Gather',
        [b.weight([size.experts, 1]), second.selected],
        { axis: 0 }
      );
      const extra = b.op(
        'ReduceSum',
        [
          b.op('Mul', [b.over('Squeeze', vectors, [-1]), second.weights]),
          b.ints([-1])
        ],
        { keepdims: 1 }
      );
      return {
        selected: first.selected,
        weights: b.op('Add', [first.weights, extra])
      };
    };
    expect(
      find({ layers: 2, router: twice }).map(({ layer }) => layer)
    ).toEqual([0, 0, 1, 1]);
  });
});

const weighed =
  (write: (b: GraphBuilder, values: string) => string): RouterWriter =>
  (b, x, { experts, topK, hidden }) => {
    const scores = b.op('Softmax', [product(b, x, hidden, experts)], {
      axis: -1
    });
    const [values, selected] = b.many('TopK', [scores, b.ints([topK])], 2);
    return { selected, weights: write(b, values) };
  };

/** A router whose logits come from a product written in another way. */
const scored =
  (
    write: (
      b: GraphBuilder,
      x: string,
      hidden: number,
      experts: number
    ) => string
  ): RouterWriter =>
  (b, x, { experts, topK, hidden }) => {
    const [values, selected] = b.many(
      'TopK',
      [
        b.op('Softmax', [write(b, x, hidden, experts)], { axis: -1 }),
        b.ints([topK])
      ],
      2
    );
    return {
      selected,
      weights: b.op('Div', [
        values,
        b.over('ReduceSum', values, [-1], { keepdims: 1 })
      ])
    };
  };

const renormalise = {
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: true
};

/** One row a way of writing a router; each is run too, and what it does is checked against the convention read. */
const variants: {
  name: string;
  router: RouterWriter;
  convention: object;
  opset?: number;
}[] = [
  {
    name: 'no renormalisation',
    router: weighed((b, v) => b.op('Identity', [v])),
    convention: { ...renormalise, renormalized: false }
  },
  {
    name: 'ReduceL1 for the sum',
    router: weighed((b, v) =>
      b.op('Div', [v, b.over('ReduceL1', v, [-1], { keepdims: 1 })])
    ),
    convention: renormalise
  },
  {
    name: 'axes of the sum as an attribute (opset 12)',
    opset: 12,
    router: weighed((b, v) =>
      b.op('Div', [v, b.over('ReduceSum', v, [-1], { keepdims: 1 })])
    ),
    convention: renormalise
  },
  {
    name: 'Mul by the reciprocal of the sum',
    router: weighed((b, v) =>
      b.op('Mul', [
        v,
        b.op('Reciprocal', [b.over('ReduceSum', v, [-1], { keepdims: 1 })])
      ])
    ),
    convention: renormalise
  },
  {
    name: 'an epsilon in the sum and a scale',
    router: weighed((b, v) => {
      const sum = b.op('Add', [
        b.over('ReduceSum', v, [-1], { keepdims: 1 }),
        b.floats([0.5], [])
      ]);
      return b.op('Mul', [b.op('Div', [v, sum]), b.floats([2.5], [])]);
    }),
    convention: { ...renormalise, epsilon: 0.5, scale: 2.5 }
  },
  {
    name: 'top-k of logits, then softmax (GPT-OSS)',
    router: (b, x, { experts, topK, hidden }) => {
      const [values, selected] = b.many(
        'TopK',
        [product(b, x, hidden, experts), b.ints([topK])],
        2
      );
      return { selected, weights: b.op('Softmax', [values], { axis: -1 }) };
    },
    convention: {
      score: 'softmax',
      scoreBeforeTopK: false,
      renormalized: false
    }
  },
  {
    name: 'sigmoid with a bias for choosing only',
    router: (b, x, { experts, topK, hidden }) => {
      const scores = b.op('Sigmoid', [product(b, x, hidden, experts)]);
      const bias = Array.from({ length: experts }, (_, e) => (e % 3) / 2);
      const [, selected] = b.many(
        'TopK',
        [b.op('Add', [scores, b.floats(bias)]), b.ints([topK])],
        2
      );
      const values = b.op('GatherElements', [scores, selected], { axis: 1 });
      return {
        selected,
        weights: b.op('Div', [
          values,
          b.over('ReduceSum', values, [-1], { keepdims: 1 })
        ])
      };
    },
    convention: {
      score: 'sigmoid',
      scoreBeforeTopK: true,
      renormalized: true,
      selectionBias: [0, 0.5, 1, 0, 0.5, 1, 0, 0.5]
    }
  },
  {
    name: 'the weight transposed in the graph',
    router: scored((b, x, hidden, experts) =>
      b.op('MatMul', [
        x,
        b.op('Transpose', [b.weight([experts, hidden], 2)], { perm: [1, 0] })
      ])
    ),
    convention: renormalise
  },
  {
    name: 'Gemm with transB and a bias of the logits',
    router: scored((b, x, hidden, experts) =>
      b.op('Gemm', [x, b.weight([experts, hidden], 2), b.weight([experts])], {
        transB: 1
      })
    ),
    convention: renormalise
  },
  {
    name: 'a bias of the logits added after a MatMul',
    router: scored((b, x, hidden, experts) =>
      b.op('Add', [product(b, x, hidden, experts), b.weight([experts])])
    ),
    convention: renormalise
  },
  {
    name: 'the weight cast from float16',
    router: scored((b, x, hidden, experts) => {
      const half = b.op('Cast', [b.weight([hidden, experts], 2)], { to: 10 });
      return b.op('MatMul', [x, b.op('Cast', [half], { to: 1 })]);
    }),
    convention: renormalise
  },
  {
    name: 'the weight dequantised',
    router: scored((b, x, hidden, experts) => {
      const weight = b.op('DequantizeLinear', [
        b.int8([hidden, experts]),
        b.floats([0.02], [])
      ]);
      return b.op('MatMul', [x, weight]);
    }),
    convention: renormalise
  },
  {
    name: 'the logits cast to double for the softmax',
    router: scored((b, x, hidden, experts) =>
      b.op(
        'Cast',
        [b.op('Cast', [product(b, x, hidden, experts)], { to: 11 })],
        { to: 1 }
      )
    ),
    convention: renormalise
  }
];

describe.each(variants)(
  'a router with $name',
  ({ router, convention, opset }) => {
    const options: TinyOptions = {
      router,
      layers: 2,
      ...(opset ? { opset } : {})
    };

    it('is understood', () => {
      expect(
        find(options).map(({ layer, experts, topK }) => ({
          layer,
          experts,
          topK
        }))
      ).toEqual([
        { layer: 0, experts: 8, topK: 2 },
        { layer: 1, experts: 8, topK: 2 }
      ]);
      for (const found of find(options)) {
        expect(found.convention).toEqual(convention);
      }
    });

    it('is captured as it runs', async () => {
      const model = await loadModel(saveModel(tinyMoE(options).build()));
      const trace = await model.trace([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(trace.coverage).toEqual({
        moeLayers: 2,
        layersCaptured: 2,
        tokens: 9,
        slots: 36
      });
      await model.dispose();
    });
  }
);
