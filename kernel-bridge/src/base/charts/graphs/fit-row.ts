/** What stands side by side in a row. */
export interface RowItem {
  key: string;
  /** Its middle. */
  x: number;
  /** Half of the width that it takes, with the space around it. */
  half: number;
}

/**
 * The items moved together, in the same order, so that they fit the width; as near as can be to their places at this
 * scale. Gaps shrink to nothing, items do not: those that cannot fit reach beyond the right end.
 * @param gap between two items at most
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
