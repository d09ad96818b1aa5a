/** A graph of very many routers is read in steps that grow with it, also where no residual stream bounds a block. */
import { GraphBuilder } from '../../test/graph-builder';
import { Graph, type GraphNode } from '../onnx/graph/graph';
import type { GraphProto } from '../onnx/file/schema';
import { findRouters } from './find-routers';

const [EXPERTS, HIDDEN, K] = [4, 8, 2];

/** Router and experts, without attention and without a residual connection. */
function layer(b: GraphBuilder, x: string): string {
  const scores = b.op(
    'Softmax',
    [b.op('MatMul', [x, b.weight([HIDDEN, EXPERTS])])],
    { axis: -1 }
  );
  const [values, selected] = b.many('TopK', [scores, b.ints([K])], 2);
  const dense = b.op(
    'ScatterElements',
    [b.op('ConstantOfShape', [b.op('Shape', [scores])]), selected, values],
    { axis: 1 }
  );
  const each = b.op('MatMul', [
    b.over('Unsqueeze', x, [0]),
    b.weight([EXPERTS, HIDDEN, HIDDEN])
  ]);
  const factors = b.over(
    'Unsqueeze',
    b.op('Transpose', [dense], { perm: [1, 0] }),
    [-1]
  );
  return b.over('ReduceSum', b.op('Mul', [each, factors]), [0], {
    keepdims: 0
  });
}

/** What experts' outputs lead to. */
const head = (b: GraphBuilder, x: string): string =>
  b.op('MatMul', [x, b.weight([HIDDEN, 3])]);

/** Counts the nodes and edges that are asked for. */
class Counted extends Graph {
  steps = 0;

  constructor(proto: GraphProto) {
    super(proto);
    const counted = new Proxy(this.nodes, {
      get: (nodes, key): unknown => {
        this.steps++;
        return Reflect.get(nodes, key);
      }
    });
    Object.assign(this, { nodes: counted });
  }

  override producer(tensor: string): GraphNode | undefined {
    this.steps++;
    return super.producer(tensor);
  }

  override consumers(tensor: string): readonly GraphNode[] {
    const found = super.consumers(tensor);
    this.steps += found.length;
    return found;
  }
}

/** One after the other. */
function chain(layers: number): Counted {
  const b = new GraphBuilder();
  let x = b.input('x', 'float', ['tokens', HIDDEN]);
  for (let i = 0; i < layers; i++) {
    x = layer(b, x);
  }
  b.outputs.push({ name: head(b, x) });
  return new Counted(b.build().graph);
}

/** All of one input, and summed up two by two. */
function fan(layers: number): Counted {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', ['tokens', HIDDEN]);
  let sums = Array.from({ length: layers }, () => layer(b, x));
  while (sums.length > 1) {
    sums = sums.flatMap((sum, i) =>
      i % 2 === 0
        ? [i + 1 < sums.length ? b.op('Add', [sum, sums[i + 1]]) : sum]
        : []
    );
  }
  b.outputs.push({ name: head(b, sums[0]) });
  return new Counted(b.build().graph);
}

/** Steps that it takes to find the routers. */
function steps(graph: Counted, routers: number): number {
  graph.steps = 0;
  expect(findRouters(graph).routers).toHaveLength(routers);
  return graph.steps;
}

it.each([
  ['one after the other', chain],
  ['side by side', fan]
])('%s: four times the routers take about four times the steps', (_, build) => {
  const [few, many] = [64, 256].map(count => steps(build(count), count));
  expect(few).toBeGreaterThan(64);
  expect(many / few).toBeLessThan(6);
});
