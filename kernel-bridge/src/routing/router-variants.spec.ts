/** Equivalent or nearly equivalent routers, as different exporters and graph optimisers write them. */
import { saveModel, type GraphBuilder } from '../../test/graph-builder';
import {
  tinyMoE,
  type RouterWriter,
  type TinyOptions
} from '../../test/tiny-moe';
import { Graph } from '../onnx/graph/graph';
import { loadModel } from '../api/load-model';
import { findRouters } from './find-routers';

const find = (options: TinyOptions) =>
  findRouters(new Graph(tinyMoE(options).build().graph)).routers;
const product = (
  b: GraphBuilder,
  x: string,
  hidden: number,
  experts: number
): string => b.op('MatMul', [x, b.weight([hidden, experts], 2)]);

const weighed =
  (write: (b: GraphBuilder, values: string) => string): RouterWriter =>
  (b, x, { experts, topK, hidden }) => {
    const scores = b.op('Softmax', [product(b, x, hidden, experts)], {
      axis: -1
    });
    const [values, selected] = b.many('TopK', [scores, b.ints([topK])], 2);
    return { selected, weights: write(b, values) };
  };

/** A router whose logits are computed by another form of product. */
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

/** One row a form of router. Each is also run, to verify its capture against the convention that was read. */
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
    name: 'sigmoid with a selection bias',
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

    it('is recognised', () => {
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
