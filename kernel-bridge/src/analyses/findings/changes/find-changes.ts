/** Finds where the load of a router changes over time: a trend, a change at one point, or stretches unlike the rest. */
import type { SeriesRow } from '../../../measures';
import {
  ChanceOf,
  deviations,
  differenceOf,
  normalised,
  residuals,
  squaredNorm,
  type Deviations
} from './contrasts';

export interface Change {
  kind: 'trend' | 'change-point' | 'stretch';
  /** Rows from here to before there: those after the change, those of the stretch, all of a trend. */
  from: number;
  to: number;
  /** Rows that it is found among. */
  among: readonly number[];
  /** Corrected for the places where it might be. */
  p: number;
  /** [experts]: rate inside less rate outside; of a trend at the end less at the start. */
  difference: Float64Array;
  /** Half the sum of absolute differences by which chance differs. */
  byChance: number;
}

/** With fewer rows nobody can tell a change from how rows differ. */
export const MIN_ROWS = 20;
/** A shorter end of a trace is a stretch of it. */
const MIN_SIDE = 5;
/** Changes of one router that are looked for. */
const MAX_CHANGES = 8;

/** By how many deviations the best change point must explain more than a straight line. */
const STEP_GAIN = 1.5;

/** @param level p below which a change counts */
export function findChanges(
  rows: readonly SeriesRow[],
  level: number
): Change[] {
  const found: Change[] = [];
  const waiting = [{ among: [...rows.keys()], detrended: false }];
  for (
    let part = waiting.pop();
    part && found.length < MAX_CHANGES;
    part = waiting.pop()
  ) {
    const { among, detrended } = part;
    if (among.length < MIN_ROWS) {
      continue;
    }
    const own = among.map(row => rows[row]);
    const change = strongest(own, detrended, level);
    if (!change) {
      continue;
    }
    const { from, to } = change;
    found.push({ ...change, from: among[from], to: among[to - 1] + 1, among });
    if (change.kind === 'trend') {
      waiting.push({ among, detrended: true });
    } else if (change.kind === 'change-point') {
      waiting.push(
        { among: among.slice(from), detrended },
        { among: among.slice(0, from), detrended }
      );
    } else {
      waiting.push({
        among: among.filter((_, i) => i < from || i >= to),
        detrended
      });
    }
  }
  return found.sort((a, b) => a.from - b.from);
}

/** A contrast of rows with what it explains. */
interface Candidate {
  kind: Change['kind'];
  from: number;
  to: number;
  contrast: Float64Array;
  squared: number;
  /** Places where it might be. */
  places: number;
}

function strongest(
  rows: readonly SeriesRow[],
  detrended: boolean,
  level: number
): Omit<Change, 'among'> | undefined {
  const all = deviations(rows);
  const times = midpoints(rows);
  const line = normalised(times, all.roots);
  const data = detrended ? { ...all, rows: residuals(all.rows, line) } : all;
  const trend: Candidate = {
    kind: 'trend',
    from: 0,
    to: rows.length,
    contrast: line,
    squared: squaredNorm(differenceOf(data.rows, line)),
    places: 1
  };
  const { step, stretch } = intervals(data);
  // Of explanations that are about as good the simpler one is taken.
  const chance = new ChanceOf(residuals(data.rows, stretch.contrast), 1);
  // The best of all change points gains by the choice.
  const simple =
    trend.squared + STEP_GAIN * chance.deviation(step.contrast) >= step.squared
      ? trend
      : step;
  const isClearly =
    stretch.squared >
    simple.squared + chance.mean() + 2 * chance.deviation(stretch.contrast);
  const order = isClearly
    ? [stretch, simple]
    : [simple, simple === trend ? step : trend, stretch];
  for (const candidate of order) {
    if (detrended && candidate.kind === 'trend') {
      continue;
    }
    const { contrast, squared, places } = candidate;
    const own = new ChanceOf(residuals(data.rows, contrast), 1);
    const p = Math.min(1, own.p(squared, contrast) * places);
    if (p < level) {
      const { kind, from, to } = candidate;
      return { kind, from, to, p, ...sizeOf(data, candidate, times, own) };
    }
  }
  return undefined;
}

/** From 0, the first token, to 1, the last. */
export function midpoints(rows: readonly SeriesRow[]): Float64Array {
  const total = rows.reduce((sum, row) => sum + row.tokens, 0);
  let start = 0;
  return Float64Array.from(rows, ({ tokens }) => {
    const middle = start + tokens / 2;
    start += tokens;
    return middle / total;
  });
}

/** The interval that is most unlike the rest, of those that reach the end and of those that lie within. */
function intervals({ rows, roots }: Deviations): {
  step: Candidate;
  stretch: Candidate;
} {
  const n = rows.length;
  const experts = rows[0].length;
  const total = roots.reduce((sum, root) => sum + root ** 2, 0);
  let [step, stretch] = [
    { squared: -1, from: 0, to: 0 },
    { squared: -1, from: 0, to: 0 }
  ];
  for (let from = 0; from < n; from++) {
    const sum = new Float64Array(experts);
    let tokens = 0;
    for (let to = from + 1; to <= n; to++) {
      const row = rows[to - 1];
      const root = roots[to - 1];
      tokens += root ** 2;
      let squares = 0;
      for (let e = 0; e < experts; e++) {
        sum[e] += root * row[e];
        squares += sum[e] ** 2;
      }
      const squared = (squares * total) / (tokens * (total - tokens));
      const length = to - from;
      const isStep = to === n && from >= MIN_SIDE && length >= MIN_SIDE;
      if (isStep) {
        step = squared > step.squared ? { squared, from, to } : step;
      } else if (2 * length <= n && squared > stretch.squared) {
        stretch = { squared, from, to };
      }
    }
  }
  const candidate = (
    kind: Candidate['kind'],
    { squared, from, to }: typeof step,
    places: number
  ): Candidate => ({
    kind,
    from,
    to,
    squared,
    contrast: normalised(
      Float64Array.from(rows, (_, i) => (i >= from && i < to ? 1 : 0)),
      roots
    ),
    places
  });
  return {
    step: candidate('change-point', step, n),
    stretch: candidate('stretch', stretch, (n * n) / 4)
  };
}

/** How far apart the rates are, and how far chance would bring them. */
function sizeOf(
  { rows, roots, spread }: Deviations,
  { kind, contrast, from, to }: Candidate,
  times: Float64Array,
  chance: ChanceOf
): Pick<Change, 'difference' | 'byChance'> {
  // The contrast's value of a difference of one in the rates.
  const shape = Float64Array.from(roots, (root, i) =>
    kind === 'trend' ? root * times[i] : i >= from && i < to ? root : 0
  );
  const scale = contrast.reduce((sum, weight, i) => sum + weight * shape[i], 0);
  const difference = differenceOf(rows, contrast).map(
    (value, e) => (value * spread[e]) / scale
  );
  const deviation =
    (spread.reduce((a, b) => a + b, 0) * Math.sqrt(chance.dependence)) / scale;
  return {
    difference,
    // The mean absolute value of a normal distribution, halved as a total variation is.
    byChance: (deviation * Math.sqrt(2 / Math.PI)) / 2
  };
}
