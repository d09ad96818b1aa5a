import type { DrawnGraph } from './drawn-graph';
import { writeDot } from './graph-text';

const node = (text: string, rank: number) => ({
  lines: [text],
  details: ['more'],
  rank,
  group: 0,
  strong: false
});
const GRAPH: DrawnGraph = {
  name: 'graph',
  title: 'all',
  edgesShow: 'weights',
  groups: [''],
  nodes: [node('a', 0), node('c', 5), node('b', 3), node('d', 5)],
  edges: [{ from: 0, to: 2, label: '1', dashed: false }]
};

describe('writeDot', () => {
  it('keeps nodes of a rank together, and ranks in their order', () => {
    expect(writeDot(GRAPH).split('\n').slice(5, -2)).toEqual([
      '  n0 [label="a\\nmore"];',
      '  n1 [label="c\\nmore"];',
      '  n2 [label="b\\nmore"];',
      '  n3 [label="d\\nmore"];',
      '  { rank=same; n1; n3; }',
      '  n2 -> n1 [style=invis];',
      '  n0 -> n2 [label="1"];'
    ]);
  });
});
