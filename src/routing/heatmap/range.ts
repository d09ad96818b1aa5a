/** The tokens in view, as columns of the heatmap; ends may lie inside a column. */
export interface IRange {
  from: number;
  to: number;
}

/** The fewest columns that zooming in leaves. */
export const MIN_COLUMNS = 8;

/** Moves a range into the columns that there are; keeps its width where that is possible. */
export function within({ from, to }: IRange, columns: number): IRange {
  const width = Math.min(
    columns,
    Math.max(Math.min(MIN_COLUMNS, columns), to - from)
  );
  const start = Math.max(0, Math.min(from, columns - width));
  return { from: start, to: start + width };
}

/**
 * Zooms by a factor; above 1 shows fewer columns.
 * @param at the column that stays where it is
 */
export function zoomed(
  range: IRange,
  factor: number,
  at: number,
  columns: number
): IRange {
  const least = Math.min(MIN_COLUMNS, columns);
  const width = range.to - range.from;
  const next = Math.min(columns, Math.max(least, width / factor));
  const share = width > 0 ? (at - range.from) / width : 0;
  const from = at - share * next;
  return within({ from, to: from + next }, columns);
}

export function panned(range: IRange, by: number, columns: number): IRange {
  return within({ from: range.from + by, to: range.to + by }, columns);
}

/** Moves a range by as little as possible, so that it has some columns. */
export function containing(
  range: IRange,
  wanted: IRange,
  columns: number
): IRange {
  if (wanted.to - wanted.from > range.to - range.from) {
    return within(wanted, columns);
  }
  return wanted.from < range.from
    ? panned(range, wanted.from - range.from, columns)
    : wanted.to > range.to
      ? panned(range, wanted.to - range.to, columns)
      : range;
}

/** The same width around some columns. */
export function centred(
  range: IRange,
  wanted: IRange,
  columns: number
): IRange {
  const middle = (wanted.from + wanted.to) / 2;
  return panned(range, middle - (range.from + range.to) / 2, columns);
}
