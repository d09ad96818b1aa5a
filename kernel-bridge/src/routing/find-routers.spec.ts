import { randomNumbers } from '../../test/graph-builder';
import {
  mixtralRouter,
  tinyMoE,
  type RouterWriter,
  type TinyOptions
} from '../../test/tiny-moe';
import { Graph } from '../onnx/graph/graph';
import type { GraphProto } from '../onnx/file/schema';
import { findRouters } from './find-routers';

const routersOf = (graph: GraphProto) => findRouters(new Graph(graph)).routers;
const find = (options: TinyOptions = {}) =>
  routersOf(tinyMoE(options).build().graph);
describe('findRouters', () => {
  it('finds one router a block and its convention', () => {
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

  it('counts dense blocks as layers without a router', () => {
    const { routers, blocks } = findRouters(
      new Graph(tinyMoE({ layers: 4, dense: [0, 2] }).build().graph)
    );
    expect(routers.map(({ layer }) => layer)).toEqual([1, 3]);
    expect(blocks.counts).toEqual([{ blocks: 4 }]);
  });

  it('finds where a block ends without a norm before the router', () => {
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

  it('does not mistake sampling of next tokens for a router', () => {
    const b = tinyMoE({ layers: 1, dense: [0] });
    // Top-k sampling in the graph: 5 tokens of the last logits, and their probabilities.
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

  it('does not mistake a sort of tokens for a router', () => {
    const b = tinyMoE({ layers: 1, dense: [0] });
    const length = b.op('Gather', [b.op('Shape', ['input_ids']), b.ints([1])]);
    const sorted = b.many('TopK', ['input_ids', length], 2, { largest: 0 });
    b.output(sorted[1], 'int64');
    expect(routersOf(b.build().graph)).toEqual([]);
  });

  it('finds both routers of a block with two', () => {
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
