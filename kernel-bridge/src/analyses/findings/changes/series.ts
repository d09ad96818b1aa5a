/** A router's load in the order of time, in rows that are independent of each other but for changes. */
import type { RouterTally, SeriesRow } from '../../../measures';
import { findChanges, MIN_ROWS, type Change } from './find-changes';

export interface Series {
  rows: readonly SeriesRow[];
  /** What a row is. A trace of a few long texts has none: nobody can tell a change from how its texts differ. */
  unit: 'texts' | 'windows';
  /** Texts in a row. */
  textsPerRow: number;
}

/** Whole texts, or windows of an only text; undefined where there are too few. */
export function seriesOf({ series, windows }: RouterTally): Series | undefined {
  const ofText = windows.windows;
  return series.rows.length >= MIN_ROWS
    ? { rows: series.rows, unit: 'texts', textsPerRow: series.textsPerRow }
    : series.texts === 1 && ofText.length >= MIN_ROWS
      ? { rows: ofText, unit: 'windows', textsPerRow: 1 }
      : undefined;
}

/** At a significance of 0.05, a stationary trace has an alarm in less than 1 % of cases: it is looked at in many ways. */
const LOOKS = 10;

export function changesOf(
  { rows }: Series,
  significance: number,
  routers: number
): Change[] {
  return findChanges(rows, significance / LOOKS / routers);
}

/** Number of the first token of each row, and at last of all. */
export function startsOf(rows: readonly SeriesRow[]): number[] {
  const starts = [0];
  rows.forEach(({ tokens }) => starts.push(starts.at(-1)! + tokens));
  return starts;
}
