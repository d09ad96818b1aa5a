/** What load is to be expected next, with an interval and what it rests on. */
import { studentTwoSided95 } from '../../../base/statistics/student-t';
import type { SeriesRow } from '../../../measures';
import { deviations } from './contrasts';
import { midpoints, type Change } from './find-changes';
import { startsOf, type Series } from './series';

export interface Forecast {
  /** A straight line where there is a trend, otherwise the mean since the last change. */
  basis: 'trend' | 'mean';
  /** Of as many tokens to come. */
  nextTokens: number;
  /** From this token on, what it rests on: this many texts, or windows of an only text. */
  fromToken: number;
  rests: number;
  unit: Series['unit'];
  /** [experts] each, with 95 % intervals for these tokens as a whole. */
  slotShare: number[];
  low: number[];
  high: number[];
}

export interface NoForecast {
  reason: string;
}

/** Fewer rows since a change say too little of how rows differ. */
const MIN_RESTS = 5;
/** Part of the rows that it rests on. */
const HORIZON = 0.25;

export function forecast(
  series: Series,
  changes: readonly Change[],
  topK: number
): Forecast | NoForecast {
  const { rows, unit } = series;
  const from = changes
    .filter(({ kind }) => kind === 'change-point')
    .reduce((last, change) => Math.max(last, change.from), 0);
  const unlike = new Set(
    changes
      .filter(({ kind }) => kind === 'stretch')
      .flatMap(change =>
        Array.from(
          { length: change.to - change.from },
          (_, i) => change.from + i
        )
      )
  );
  const kept = [...rows.keys()].filter(row => row >= from && !unlike.has(row));
  const own = kept.map(row => rows[row]);
  if (own.length < MIN_RESTS) {
    return {
      reason: `cannot forecast: the routing changed ${own.length} ${unit} ago, ${MIN_RESTS} are needed`
    };
  }
  const hasTrend = changes.some(
    ({ kind, among }) => kind === 'trend' && among.at(-1)! >= kept.at(-1)!
  );
  const ahead = Math.max(1, Math.round(HORIZON * own.length));
  const expected = ahead / own.length;
  return {
    basis: hasTrend ? 'trend' : 'mean',
    nextTokens: Math.round(
      expected * own.reduce((sum, { tokens }) => sum + tokens, 0)
    ),
    fromToken: startsOf(rows)[kept[0]],
    rests: own.length,
    unit,
    ...extrapolated(own, hasTrend, expected, topK)
  };
}

/** The rates after the rows' end, by weighted least squares. */
function extrapolated(
  rows: readonly SeriesRow[],
  hasTrend: boolean,
  expected: number,
  topK: number
): Pick<Forecast, 'slotShare' | 'low' | 'high'> {
  const weights = deviations(rows).roots.map(root => root ** 2);
  const times = midpoints(rows);
  const total = weights.reduce((a, b) => a + b, 0);
  const meanTime =
    times.reduce((sum, time, i) => sum + weights[i] * time, 0) / total;
  const spanned = times.reduce(
    (sum, time, i) => sum + weights[i] * (time - meanTime) ** 2,
    0
  );
  const at = 1 + expected / 2 - meanTime;
  const degrees = rows.length - (hasTrend ? 2 : 1);
  const result = {
    slotShare: [] as number[],
    low: [] as number[],
    high: [] as number[]
  };
  const shared = (rate: number): number =>
    Math.min(1, Math.max(0, rate / topK));
  for (let e = 0; e < rows[0].counts.length; e++) {
    const rates = rows.map(({ counts, tokens }) => counts[e] / tokens);
    const mean =
      rates.reduce((sum, rate, i) => sum + weights[i] * rate, 0) / total;
    const slope = hasTrend
      ? rates.reduce(
          (sum, rate, i) => sum + weights[i] * (times[i] - meanTime) * rate,
          0
        ) / spanned
      : 0;
    const squares = rates.reduce(
      (sum, rate, i) =>
        sum + weights[i] * (rate - mean - slope * (times[i] - meanTime)) ** 2,
      0
    );
    const error = Math.sqrt(
      (squares / degrees) *
        (1 / total +
          (hasTrend ? at ** 2 / spanned : 0) +
          1 / (expected * total))
    );
    const width = studentTwoSided95(degrees) * error;
    const rate = mean + slope * at;
    result.slotShare.push(shared(rate));
    result.low.push(shared(rate - width));
    result.high.push(shared(rate + width));
  }
  return result;
}

/** Of a router without a series. */
export const TOO_SHORT: NoForecast = {
  reason:
    'cannot forecast: the trace has fewer than 20 texts, and is no single text of 20 windows of 512 tokens'
};
