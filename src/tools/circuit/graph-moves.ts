import type { GraphLayout } from 'moe-debugger/charts';

/**
 * The node that an arrow key selects, of those that can be selected: the neighbour in its row, or the nearest in the next
 * row that has any.
 * @param from index of a node
 */
export function nextNode(
  { groups, nodes }: GraphLayout,
  canReach: (node: number) => boolean,
  key: string,
  from: number
): number | undefined {
  const rows = groups
    .flatMap(group => group.rows)
    .map(row => row.filter(canReach))
    .filter(({ length }) => length > 0);
  const y = rows.findIndex(row => row.includes(from));
  if (y < 0) {
    return undefined;
  }
  const nearest = (row: readonly number[] | undefined): number | undefined =>
    row?.reduce((best, own) => (distance(own) < distance(best) ? own : best));
  const distance = (node: number): number =>
    Math.abs(nodes[node].x - nodes[from].x);
  switch (key) {
    case 'ArrowLeft':
      return rows[y][rows[y].indexOf(from) - 1];
    case 'ArrowRight':
      return rows[y][rows[y].indexOf(from) + 1];
    case 'ArrowUp':
      return nearest(rows[y - 1]);
    case 'ArrowDown':
      return nearest(rows[y + 1]);
    default:
      return undefined;
  }
}
