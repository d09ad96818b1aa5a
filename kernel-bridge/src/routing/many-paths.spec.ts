/** Untrusted graphs whose number of paths grows exponentially: each search visits a tensor once. */
import { GraphBuilder } from '../../test/graph-builder';
import { Graph } from '../onnx/graph/graph';
import { readCapacity } from './capacity';
import { findResidualStream } from './residual';
import { isStored, storedDims } from './stored-weight';

const WIDTH = 60;

/** Layers of nodes, each of which reads all nodes of the layer before: WIDTH to the power of `layers` paths. */
function dense(
  b: GraphBuilder,
  op: string,
  start: string,
  layers: number
): string[] {
  let tensors = [start];
  for (let layer = 0; layer < layers; layer++) {
    const inputs = tensors;
    tensors = Array.from({ length: WIDTH }, () => b.op(op, inputs));
  }
  return tensors;
}

it('finds that a weight is computed from stored tensors alone, and its dims', () => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [3, 5]);
  const [weight] = dense(b, 'Max', b.weight([3, 5]), 7);
  const [activation] = dense(b, 'Max', x, 7);
  const graph = new Graph(b.build().graph);
  expect(isStored(graph, weight)).toBe(true);
  expect(storedDims(graph, weight)).toEqual([3, 5]);
  expect(isStored(graph, activation)).toBe(false);
  expect(storedDims(graph, activation)).toBeUndefined();
});

it('finds the token ids that embeddings are looked up by', () => {
  const b = new GraphBuilder();
  const ids = b.input('ids', 'int64', [1, 4]);
  const rows = b.op('Gather', [b.weight([9, 5]), dense(b, 'Add', ids, 9)[0]]);
  const graph = new Graph(b.build().graph);
  expect(findResidualStream(graph).place(rows)).toMatchObject({
    kind: 'stream',
    joins: 0
  });
});

it('finds no capacity where nothing compares the counts', () => {
  const b = new GraphBuilder();
  const indices = b.input('indices', 'int64', [4, 1]);
  const oneHot = b.op('OneHot', [indices, b.ints([8]), b.floats([0, 1])]);
  const counts = b.op('CumSum', [oneHot, b.ints([0], [])]);
  dense(b, 'Add', counts, 7);
  expect(readCapacity(new Graph(b.build().graph), indices)).toBeUndefined();
});
