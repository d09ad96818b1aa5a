import type { CircuitNode } from '../protocol';
import { layoutCircuit } from './circuit-layout';

function node(id: string, rank: number, within?: string): CircuitNode {
  return {
    id,
    kind: 'head',
    rank,
    effect: 1,
    ...(within === undefined ? {} : { within })
  };
}

describe('layoutCircuit', () => {
  const plan = layoutCircuit(
    {
      nodes: [
        node('a', 0),
        node('b', 0),
        node('c', 4),
        node('d', 4, 'a'),
        node('e', 7)
      ],
      edges: [
        { from: 'b', to: 'c', effect: 1 },
        { from: 'c', to: 'e', effect: 1 },
        { from: 'gone', to: 'e', effect: 1 }
      ]
    },
    { column: 100, row: 10 }
  );
  const at = (id: string): [number, number] => {
    const found = plan.nodes.find(own => own.node.id === id)!;
    return [found.x, found.y];
  };

  it('has a column for each rank, and each node below those that its readers stand below', () => {
    expect([plan.width, plan.height]).toEqual([300, 20]);
    expect(['a', 'b', 'c', 'd', 'e'].map(at)).toEqual([
      [50, 5],
      [50, 15],
      [150, 15],
      [150, 5],
      [250, 10]
    ]);
  });

  it('joins what is there, and what reads for a node', () => {
    expect(
      plan.edges.map(({ from, to }) => [from.node.id, to.node.id])
    ).toEqual([
      ['b', 'c'],
      ['c', 'e']
    ]);
    expect(
      plan.links.map(({ from, to }) => [from.node.id, to.node.id])
    ).toEqual([['a', 'd']]);
  });

  it('is empty for nothing', () => {
    expect(layoutCircuit({ nodes: [], edges: [] })).toEqual({
      width: 0,
      height: 0,
      nodes: [],
      edges: [],
      links: []
    });
  });
});
