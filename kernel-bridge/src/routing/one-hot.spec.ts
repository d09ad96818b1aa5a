import { GraphBuilder } from '../../test/graph-builder';
import { Graph } from '../onnx/graph/graph';
import { keptOneHotsOf, oneHotsOf } from './one-hot';

/** A choice of 2 of 4 experts, and what a graph makes of it. */
function choice() {
  const b = new GraphBuilder();
  const scores = b.input('scores', 'float', ['tokens', 4]);
  const [values, indices] = b.many('TopK', [scores, b.ints([2])], 2);
  return { b, scores, values, indices };
}

describe('one-hot forms of a choice', () => {
  it('are OneHot of it, and Equal with 0, 1, 2, ..., on either side', () => {
    const { b, indices } = choice();
    const numbers = b.ints([0, 1, 2, 3]);
    const column = b.over('Unsqueeze', indices, [-1]);
    const found = [
      b.op('OneHot', [indices, b.ints([4]), b.floats([0, 1])], { axis: -1 }),
      b.op('Equal', [column, numbers]),
      b.op('Equal', [numbers, column])
    ];
    const cast = b.op('Cast', [found[1]], { to: 1 });
    const graph = new Graph(b.build().graph);
    expect(oneHotsOf(graph, indices).sort()).toEqual([...found, cast].sort());
  });

  it('are not Equal with other numbers, or with what is computed, or a OneHot that counts them', () => {
    const { b, scores, indices } = choice();
    b.op('Equal', [indices, b.ints([1, 2, 3, 4])]);
    b.op('Equal', [indices, b.op('Cast', [scores], { to: 7 })]);
    b.op('OneHot', [b.ints([0]), indices, b.floats([0, 1])]);
    b.op('Greater', [indices, b.ints([0, 1])]);
    const graph = new Graph(b.build().graph);
    expect(oneHotsOf(graph, indices)).toEqual([]);
  });

  it('are kept where masks are multiplied in, up to two, and not where a weight is', () => {
    const { b, values, indices } = choice();
    const hot = b.op('OneHot', [indices, b.ints([4]), b.floats([0, 1])], {
      axis: -1
    });
    const mask = b.input('mask', 'float', ['tokens', 1, 1]);
    const once = b.op('Mul', [hot, mask]);
    const twice = b.op('And', [mask, once]);
    const thrice = b.op('Mul', [twice, mask]);
    const weighted = b.op('Mul', [values, hot]);
    const sum = b.op('Add', [hot, mask]);
    const graph = new Graph(b.build().graph);
    const { all, kept } = keptOneHotsOf(graph, indices, new Set([values]));
    expect([...kept]).toEqual([once, twice]);
    expect([...all]).toEqual([hot, once, twice]);
    expect([thrice, weighted, sum].filter(own => all.has(own))).toEqual([]);
  });
});
