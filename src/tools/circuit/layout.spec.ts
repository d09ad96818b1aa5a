import type { CircuitNode } from 'moe-debugger/protocol';
import { GUTTER, NODE_HEIGHT, edgePath, layoutRows } from './layout';

const node = (
  id: string,
  kind: CircuitNode['kind'],
  rank: number,
  more: Partial<CircuitNode> = {}
): CircuitNode => ({ id, kind, rank, effect: 1, ...more });

const NODES = [
  node('logits', 'logits', 9),
  ...Array.from({ length: 12 }, (_, index) =>
    node(`e${index}`, 'expert', 5, { layer: 0, index })
  ),
  node('experts', 'moe', 4, { layer: 0 }),
  node('h1', 'head', 2, { layer: 0, index: 1 }),
  node('h0', 'head', 2, { layer: 0, index: 0 }),
  node('embedding', 'embedding', 0)
];

describe('layoutRows', () => {
  it('has the target at the top, the embeddings at the bottom, and parts by number', () => {
    const { rows, nodes } = layoutRows(NODES, 900);
    expect(rows.map(row => row.nodes.map(own => own.label))).toEqual([
      ['logits'],
      ['moe', ...Array.from({ length: 12 }, (_, i) => String(i))],
      ['0', '1'],
      ['embedding']
    ]);
    expect(nodes.get('logits')!.y).toBeLessThan(nodes.get('e0')!.y);
    expect(nodes.get('e0')!.y).toBe(nodes.get('e11')!.y);
  });

  it.each([120, 230, 600, 1200])(
    'fits %i pixels, and nothing overlaps',
    width => {
      const { rows, height } = layoutRows(NODES, width);
      const all = rows.flatMap(row => row.nodes);
      for (const own of all) {
        expect(own.x - own.width / 2).toBeGreaterThanOrEqual(GUTTER);
        expect(own.y + NODE_HEIGHT / 2).toBeLessThanOrEqual(height);
        for (const other of all) {
          if (other !== own && other.y === own.y) {
            expect(Math.abs(other.x - own.x)).toBeGreaterThanOrEqual(
              (own.width + other.width) / 2
            );
          }
        }
        // The narrowest has room for one part a line.
        if (width >= 230) {
          expect(own.x + own.width / 2).toBeLessThanOrEqual(width);
        }
      }
      rows
        .slice(1)
        .forEach((row, i) => expect(row.top).toBeGreaterThan(rows[i].bottom));
    }
  );

  it('leads edges from the top of one part to the bottom of another', () => {
    const { nodes } = layoutRows(NODES, 600);
    const [from, to] = [nodes.get('embedding')!, nodes.get('h0')!];
    const path = edgePath(from, to);
    expect(path.startsWith(`M${from.x} ${from.y - NODE_HEIGHT / 2}C`)).toBe(
      true
    );
    expect(path.endsWith(` ${to.x} ${to.y + NODE_HEIGHT / 2}`)).toBe(true);
  });

  it('is empty for nothing', () => {
    expect(layoutRows([], 100)).toMatchObject({ rows: [] });
  });
});
