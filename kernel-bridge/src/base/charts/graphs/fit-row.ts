/** An item of a row. */
export interface RowItem {
  key: string;
  /** Its centre. */
  x: number;
  /** Half of its width, including the space around it. */
  half: number;
}

/**
 * Moves items together, in order, to fit the width, as close as possible to their scaled positions. Gaps may shrink to
 * zero, items do not: those that cannot fit extend beyond the right end.
 * @param gap maximum gap between two items
 */
export function fitRow(
  items: readonly RowItem[],
  scale: number,
  width: number,
  gap: number
): RowItem[] {
  const taken = items.reduce((sum, { half }) => sum + 2 * half, 0);
  const space = Math.max(
    0,
    Math.min(gap, (width - taken) / Math.max(1, items.length - 1))
  );
  const fitted = items.map(item => ({ ...item, x: item.x * scale }));
  let end = width;
  for (const item of [...fitted].reverse()) {
    item.x = Math.min(item.x, end - item.half);
    end = item.x - item.half - space;
  }
  let start = 0;
  for (const item of fitted) {
    item.x = Math.max(item.x, start + item.half);
    start = item.x + item.half + space;
  }
  return fitted;
}
