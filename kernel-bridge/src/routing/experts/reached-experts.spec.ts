/** Experts that an export left out, in the forms in which exporters write experts one by one. */
import type { GraphBuilder } from '../../../test/graph-builder';
import {
  mixtralRouter,
  tinyMoE,
  type Routing,
  type Sizes,
  type TinyOptions
} from '../../../test/tiny-moe';
import { Graph } from '../../onnx/graph/graph';
import { findRouters } from '../find-routers';
import { lostExperts } from './reached-experts';

type Mixture = NonNullable<TinyOptions['mixture']>;

/** The experts that a form keeps, in an order of the tracer's. */
const KEPT = [6, 1, 4];
const LOST = [0, 2, 3, 5, 7];

function lostOf(mixture: Mixture): number[] {
  const graph = new Graph(tinyMoE({ layers: 1, mixture }).build().graph);
  const { routers } = findRouters(graph);
  expect(routers).toHaveLength(1);
  return lostExperts(graph, routers)[0];
}

function network(b: GraphBuilder, x: string, size: Sizes): string {
  const { hidden, intermediate } = size;
  return b.op('MatMul', [
    b.op('Relu', [b.op('MatMul', [x, b.weight([hidden, intermediate])])]),
    b.weight([intermediate, hidden])
  ]);
}

/** The sum over some experts, each times what `weightOf` gives it: [tokens, 1]. */
const oneByOne =
  (
    weightOf: (
      b: GraphBuilder,
      routing: Routing,
      size: Sizes
    ) => (expert: number) => string
  ) =>
  (kept: readonly number[]): Mixture =>
  (b, x, size) => {
    const weight = weightOf(b, mixtralRouter(b, x, size), size);
    return kept
      .map(expert => b.op('Mul', [network(b, x, size), weight(expert)]))
      .reduce((sum, next) => b.op('Add', [sum, next]));
  };

const FLOAT = { to: 1 };

const FORMS: Record<string, (kept: readonly number[]) => Mixture> = {
  'compared with a constant each': oneByOne(
    (b, { selected, weights }) =>
      expert =>
        b.over(
          'ReduceSum',
          b.op('Mul', [
            weights,
            b.op('Cast', [b.op('Equal', [selected, b.ints([expert])])], FLOAT)
          ]),
          [-1],
          { keepdims: 1 }
        )
  ),
  'rows of a transposed one-hot': oneByOne(
    (b, { selected, weights }, { experts }) => {
      const rows = b.op(
        'Transpose',
        [
          b.op('OneHot', [selected, b.ints([experts]), b.floats([0, 1])], {
            axis: -1
          })
        ],
        { perm: [2, 1, 0] }
      );
      const own = b.op('Transpose', [weights], { perm: [1, 0] });
      return expert =>
        b.over(
          'Unsqueeze',
          b.over(
            'ReduceSum',
            b.op('Mul', [
              b.over(
                'Squeeze',
                b.op('Gather', [rows, b.ints([expert])], { axis: 0 }),
                [0]
              ),
              own
            ]),
            [0],
            { keepdims: 0 }
          ),
          [-1]
        );
    }
  ),
  'columns of a comparison with all numbers': oneByOne(
    (b, { selected, weights }, { experts }) => {
      const numbers = b.ints(Array.from({ length: experts }, (_, e) => e));
      const chosen = b.op(
        'Cast',
        [b.op('Equal', [b.over('Unsqueeze', selected, [-1]), numbers])],
        FLOAT
      );
      const dense = b.over(
        'ReduceSum',
        b.op('Mul', [chosen, b.over('Unsqueeze', weights, [-1])]),
        [1],
        { keepdims: 0 }
      );
      // Where the experts are is told by the declared shape.
      b.output(dense, 'float', ['tokens', experts]);
      return expert =>
        b.op('Slice', [
          dense,
          b.ints([expert]),
          b.ints([expert + 1]),
          b.ints([1])
        ]);
    }
  ),
  'columns of scattered weights': oneByOne(
    (b, { selected, weights }, { experts }) => {
      const tokens = b.op('Gather', [b.op('Shape', [weights]), b.ints([0])]);
      const zeros = b.op('ConstantOfShape', [
        b.op('Concat', [tokens, b.ints([experts])], { axis: 0 })
      ]);
      const dense = b.op('ScatterElements', [zeros, selected, weights], {
        axis: 1
      });
      return expert =>
        b.op('Slice', [
          dense,
          b.ints([expert]),
          b.ints([expert + 1]),
          b.ints([1])
        ]);
    }
  )
};

describe.each(Object.entries(FORMS))('%s', (_, form) => {
  it('names the experts that are not in the graph', () => {
    expect(lostOf(form(KEPT))).toEqual(LOST);
  });

  it('finds none where all are', () => {
    expect(lostOf(form([7, 0, 1, 2, 3, 4, 5, 6]))).toEqual([]);
  });
});

it('counts no expert whose output is not used', () => {
  const mixture: Mixture = (b, x, size) => {
    const all = FORMS['compared with a constant each']([0, 1, 2, 3, 4, 5, 6]);
    const sum = all(b, x, size);
    const { selected } = b.nodes
      .filter(({ opType }) => opType === 'TopK')
      .map(({ output }) => ({ selected: output[1] }))[0];
    // The mask of expert 7 is there, and nothing reads it.
    b.op('Equal', [selected, b.ints([7])]);
    return sum;
  };
  expect(lostOf(mixture)).toEqual([7]);
});

it('counts the experts of a loop by its turns', () => {
  const loop =
    (turns: number): Mixture =>
    (b, x, size) => {
      const { hidden, experts } = size;
      const { selected, weights } = mixtralRouter(b, x, size);
      const stacked = b.weight([experts, hidden, hidden]);
      const zero = b.op('Mul', [x, b.floats([0], [1, 1])]);
      const inner: [string, string[], string, Record<string, number>?][] = [
        ['Equal', [selected, 'turn'], 'mask'],
        ['Cast', ['mask'], 'factor', FLOAT],
        ['Mul', ['factor', weights], 'own'],
        ['ReduceMax', ['own'], 'most'],
        ['Gather', [stacked, 'turn'], 'matrix'],
        ['MatMul', [x, 'matrix'], 'product'],
        ['Mul', ['product', 'most'], 'part'],
        ['Add', ['before', 'part'], 'after'],
        ['Identity', ['going'], 'goes']
      ];
      const body = {
        name: 'body',
        node: inner.map(([opType, input, output, attributes = {}]) => ({
          opType,
          input,
          output: [output],
          attribute: Object.entries(attributes).map(([name, i]) => ({
            name,
            type: 2,
            i,
            floats: [],
            ints: [],
            strings: [],
            tensors: [],
            graphs: []
          }))
        })),
        initializer: [],
        input: ['turn', 'going', 'before'].map(name => ({ name })),
        output: ['goes', 'after'].map(name => ({ name })),
        valueInfo: []
      };
      return b.op('Loop', [b.ints([turns], []), '', zero], { body });
    };
  expect(lostOf(loop(3))).toEqual([3, 4, 5, 6, 7]);
  expect(lostOf(loop(8))).toEqual([]);
});

it('counts the experts that stacked weights hold', () => {
  const gathered =
    (count: number): Mixture =>
    (b, x, size) => {
      const { hidden } = size;
      const { selected, weights } = mixtralRouter(b, x, size);
      const own = b.op('Gather', [b.weight([count, hidden, hidden]), selected]);
      const each = b.op('MatMul', [
        b.over('Unsqueeze', b.over('Unsqueeze', x, [1]), [1]),
        own
      ]);
      const flat = b.over('Squeeze', each, [2]);
      return b.over(
        'ReduceSum',
        b.op('Mul', [flat, b.over('Unsqueeze', weights, [-1])]),
        [1],
        { keepdims: 0 }
      );
    };
  expect(lostOf(gathered(5))).toEqual([5, 6, 7]);
  expect(lostOf(gathered(8))).toEqual([]);
  const fused =
    (count: number): Mixture =>
    (b, x, { experts, hidden, intermediate }) =>
      b.op(
        'com.microsoft.MoE',
        [
          x,
          b.op('MatMul', [x, b.weight([hidden, experts])]),
          b.weight([count, hidden, intermediate]),
          '',
          b.weight([count, intermediate, hidden])
        ],
        { k: 2, normalize_routing_weights: 1 }
      );
  expect(lostOf(fused(6))).toEqual([6, 7]);
  expect(lostOf(fused(8))).toEqual([]);
});

it('says nothing of experts that one operator computes', () => {
  const graph = new Graph(tinyMoE().build().graph);
  expect(lostExperts(graph, findRouters(graph).routers)).toEqual([[], []]);
});
