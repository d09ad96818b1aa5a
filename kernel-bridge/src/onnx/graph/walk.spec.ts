import { GraphBuilder } from '../../../test/graph-builder';
import { Graph } from './graph';
import { nodesUpstream, walk, type Edges, type WalkOptions } from './walk';

const visited = (graph: Edges, starts: string[], options: WalkOptions) =>
  [...walk(graph, starts, options)].map(({ tensor }) => tensor);

/** x -> a -> (b, c) -> d: b = Left(a), c = Right(a), d = Join(b, c). */
function diamond() {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1]);
  const top = b.op('Top', [x]);
  const left = b.op('Left', [top]);
  const right = b.op('Right', [top]);
  const join = b.op('Join', [left, '', right]);
  return { graph: new Graph(b.build().graph), x, top, left, right, join };
}

describe('walk', () => {
  it('visits each tensor of a diamond once, near ones first', () => {
    const { graph, x, top, left, right, join } = diamond();
    expect([...walk(graph, [join], { direction: 'upstream' })]).toEqual([
      { tensor: join, nodes: [graph.nodes[3]], depth: 0 },
      { tensor: left, nodes: [graph.nodes[1]], depth: 1 },
      { tensor: right, nodes: [graph.nodes[2]], depth: 1 },
      { tensor: top, nodes: [graph.nodes[0]], depth: 2 },
      { tensor: x, nodes: [], depth: 3 }
    ]);
    expect([...walk(graph, [x], { direction: 'downstream' })]).toEqual([
      { tensor: x, nodes: [graph.nodes[0]], depth: 0 },
      { tensor: top, nodes: [graph.nodes[1], graph.nodes[2]], depth: 1 },
      { tensor: left, nodes: [graph.nodes[3]], depth: 2 },
      { tensor: right, nodes: [graph.nodes[3]], depth: 2 },
      { tensor: join, nodes: [], depth: 3 }
    ]);
  });

  it('asks once about a node that it passes, whichever input it came by', () => {
    const { graph, x } = diamond();
    const asked: string[] = [];
    const steps = [
      ...walk(graph, [x], {
        direction: 'downstream',
        through: ({ op }) => {
          asked.push(op);
          return true;
        }
      })
    ];
    expect(steps).toHaveLength(5);
    expect(asked).toEqual(['Top', 'Left', 'Right', 'Join']);
  });

  it('follows each path to its end in depth order, the first tensor first', () => {
    const { graph, x, top, left, right, join } = diamond();
    const order = 'depth';
    expect(visited(graph, [join], { direction: 'upstream', order })).toEqual([
      ...[join, left, top, x, right]
    ]);
    expect(visited(graph, [x], { direction: 'downstream', order })).toEqual([
      ...[x, top, left, join, right]
    ]);
    expect(
      visited(graph, [right, join], { direction: 'upstream', order })
    ).toEqual([right, top, x, join, left]);
  });

  it('goes on where `through` says', () => {
    const { graph, x, top, left, right, join } = diamond();
    expect(
      visited(graph, [join], {
        direction: 'upstream',
        through: ({ op }) => op !== 'Left' && op !== 'Right'
      })
    ).toEqual([join, left, right]);
    expect(
      visited(graph, [join], {
        direction: 'upstream',
        through: ({ inputs }) => inputs.slice(0, 1)
      })
    ).toEqual([join, left, top, x]);
    expect(
      visited(graph, [left, right], {
        direction: 'downstream',
        through: ({ op }, tensor) => op === 'Join' && tensor === right
      })
    ).toEqual([left, right, join]);
  });

  it('asks `through` once for a node of several outputs, and only when the next step is taken', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float', [4]);
    const parts = b.many('Split', [x], 3);
    const graph = new Graph(b.build().graph);
    const through = jest.fn(() => true);
    const steps = walk(graph, parts, { direction: 'upstream', through });
    steps.next();
    expect(through).not.toHaveBeenCalled();
    expect([...steps].map(({ tensor }) => tensor)).toEqual([
      ...[parts[1], parts[2], x]
    ]);
    expect(through).toHaveBeenCalledTimes(1);
  });

  it('stops at a depth and at a number of tensors', () => {
    const { graph, x, top, left } = diamond();
    const direction = 'downstream';
    expect(visited(graph, [x], { direction, maxDepth: 0 })).toEqual([x]);
    expect(visited(graph, [x], { direction, maxDepth: 1 })).toEqual([x, top]);
    expect(visited(graph, [x], { direction, maxTensors: 3 })).toEqual([
      ...[x, top, left]
    ]);
    expect(visited(graph, [x], { direction, maxTensors: 0 })).toEqual([]);
    expect(visited(graph, ['', x, x], { direction, maxDepth: 0 })).toEqual([x]);
  });

  it.each(['breadth', 'depth'] as const)('ends on a cycle, %s first', order => {
    const { graph, x, top, left, right, join } = diamond();
    // A Graph refuses cycles, so this closes one behind its back.
    const cyclic: Edges = {
      producer: tensor =>
        tensor === x ? graph.nodes[3] : graph.producer(tensor),
      consumers: tensor =>
        tensor === join ? [graph.nodes[0]] : graph.consumers(tensor),
      reads: node => graph.reads(node)
    };
    expect(
      visited(cyclic, [top], { direction: 'upstream', order }).sort()
    ).toEqual([top, left, right, x].sort());
    expect(
      visited(cyclic, [top], { direction: 'downstream', order }).sort()
    ).toEqual([top, left, right, join].sort());
  });

  it.each(['upstream', 'downstream'] as const)(
    'takes no longer for 60 diamonds in a row than for their nodes, %s',
    direction => {
      const b = new GraphBuilder();
      const x = b.input('x', 'float', [1]);
      let last = x;
      for (let i = 0; i < 60; i++) {
        last = b.op('Add', [b.op('Relu', [last]), b.op('Neg', [last])]);
      }
      const graph = new Graph(b.build().graph);
      expect(
        visited(graph, direction === 'upstream' ? [last] : [x], { direction })
      ).toHaveLength(181);
    }
  );
});

describe('walk along a chain of 100,000 nodes', () => {
  let graph: Graph;
  let first: string;
  let last: string;

  beforeAll(() => {
    const b = new GraphBuilder();
    first = last = b.input('x', 'float', [1]);
    for (let i = 0; i < 100_000; i++) {
      last = b.op('Relu', [last]);
    }
    graph = new Graph(b.build().graph);
  });

  it.each(['breadth', 'depth'] as const)('%s first', order => {
    const up = visited(graph, [last], { direction: 'upstream', order });
    expect(up).toHaveLength(100_001);
    expect(up.at(-1)).toBe(first);
    const down = visited(graph, [first], { direction: 'downstream', order });
    expect(down.reverse().join() === up.join()).toBe(true);
  });
});

describe('nodesUpstream', () => {
  it('lists the nodes that tensors are computed by in topological order', () => {
    const { graph, left, join } = diamond();
    const ops = (...args: Parameters<typeof nodesUpstream>) =>
      nodesUpstream(...args).map(({ op }) => op);
    expect(ops(graph, [join])).toEqual(['Top', 'Left', 'Right', 'Join']);
    expect(ops(graph, [left])).toEqual(['Top', 'Left']);
    expect(ops(graph, [join], ({ op }) => op !== 'Top')).toEqual([
      ...['Left', 'Right', 'Join']
    ]);
    expect(ops(graph, [join], (_, tensor) => tensor !== left)).toEqual([
      ...['Top', 'Right', 'Join']
    ]);
  });
});
