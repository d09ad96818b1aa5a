/** The path from baseline to embeddings: finds the routing changes on it, and divides it into integration steps. */
import { quadrature, type Quadrature } from './quadrature';
import type { QuadratureRule } from '../../base/protocol';

/** A point of the path that was evaluated. */
export interface PathPoint {
  at: number;
  value: number;
  /** One number per token and layer; equal numbers mean the same set of experts. */
  routing: Int32Array;
}

/** Number of tokens and layers whose experts differ between two points. */
export function countChanges(a: Int32Array, b: Int32Array): number {
  return a.reduce((count, choice, i) => count + (choice === b[i] ? 0 : 1), 0);
}

export interface Segments {
  /** Points at which the routing changes, and other bounds of intervals over which the value changes little; ascending. */
  breaks: number[];
  /** Sum of the value's jumps at the routing changes. */
  jumps: number;
  /** False when the budget was too small to separate all changes. */
  complete: boolean;
}

/**
 * Intervals shorter than this part of their distance from the baseline are not divided further. The length is relative
 * because normalisation cancels the scale, so even a step near zero yields the activations of the full prompt. The
 * smooth change within such an interval is subtracted from its jump.
 */
const RESOLUTION = 1e-3;
/** Intervals closer to the baseline than this are not divided further. */
const NEAREST = 1e-30;
const CLOSER = 4;
/** Largest part of the value's range that an interval without a routing change may cover. */
const STRETCH = 0.05;

/**
 * Halves the intervals whose ends differ in routing until they are short, and those over which the value changes much:
 * near a zero baseline, normalisation moves the value within a hundredth of the path.
 * @param look evaluates points of the path, in ascending order
 * @param budget maximum number of points
 */
export async function findBreaks(
  look: (places: number[]) => Promise<PathPoint[]>,
  first: number,
  budget: number
): Promise<Segments> {
  // Evenly spaced, and ever closer to the baseline: each norm amplifies inputs below its epsilon hundreds of times.
  const grid = Array.from({ length: first + 1 }, (_, i) => i / first);
  for (let at = grid[1] / CLOSER; at > NEAREST; at /= CLOSER) {
    grid.splice(1, 0, at);
  }
  let points = await look(grid);
  const values = points.map(({ value }) => value);
  const much = STRETCH * (Math.max(...values) - Math.min(...values));
  const knots: number[] = [];
  let left = budget - grid.length;
  const differ = (i: number): boolean =>
    countChanges(points[i].routing, points[i + 1].routing) > 0;
  let complete = false;
  while (!complete && left > 0) {
    const open: { middle: number; width: number }[] = [];
    for (let i = 0; i + 1 < points.length; i++) {
      const [a, b] = [points[i], points[i + 1]];
      const width = b.at - a.at;
      if (width <= Math.max(RESOLUTION * b.at, NEAREST)) {
        continue;
      }
      const smooth = !differ(i);
      if (!smooth || Math.abs(b.value - a.value) > much) {
        open.push({ middle: (a.at + b.at) / 2, width: width / b.at });
        if (smooth) {
          knots.push((a.at + b.at) / 2);
        }
      }
    }
    complete = open.length === 0;
    // If the budget does not suffice for all, divide those with the largest change.
    const chosen = open
      .sort((a, b) => b.width - a.width)
      .slice(0, left)
      .map(({ middle }) => middle)
      .sort((a, b) => a - b);
    if (!complete) {
      left -= chosen.length;
      points = [...points, ...(await look(chosen))].sort((a, b) => a.at - b.at);
    }
  }
  const breaks = [...new Set(knots)];
  let jumps = 0;
  for (let i = 0; i + 1 < points.length; i++) {
    if (differ(i)) {
      breaks.push((points[i].at + points[i + 1].at) / 2);
      jumps += jumpAt(points, i);
    }
  }
  return {
    breaks: breaks.sort((a, b) => a - b),
    jumps,
    complete
  };
}

/** Minimum steps per interval, and for the one that begins at the baseline. */
const MIN_STEPS = 3;
const STEPS_FROM_BASELINE = 8;

/** Jump between two neighbours: the change minus the change extrapolated from the neighbouring slopes. */
function jumpAt(points: readonly PathPoint[], i: number): number {
  const rise = (j: number): [value: number, length: number] => [
    points[j + 1].value - points[j].value,
    points[j + 1].at - points[j].at
  ];
  const slopes = [i - 1, i + 1].flatMap(j => {
    const [a, b] = [points[j], points[j + 1]];
    if (!a || !b || countChanges(a.routing, b.routing) > 0) {
      return [];
    }
    const [value, length] = rise(j);
    return [value / length];
  });
  const [change, width] = rise(i);
  const slope = slopes.reduce((sum, x) => sum + x / slopes.length, 0);
  return change - slope * width;
}

/** Points that divide an interval whose ends differ much in their distance from the baseline. */
function between(from: number, to: number): number[] {
  const places: number[] = [];
  for (let at = from * MAX_RATIO; from > 0 && at < to; at *= MAX_RATIO) {
    places.push(at);
  }
  return places;
}

/** Largest ratio of the distances of an interval's ends from the baseline. */
const MAX_RATIO = 8;

/** Applies a rule between breaks; steps are shared out by the length of each interval and by its ratio towards the baseline. */
export function composite(
  rule: QuadratureRule,
  steps: number,
  breaks: readonly number[]
): Quadrature {
  const nodes: number[] = [];
  const weights: number[] = [];
  const ends = [0, ...breaks, 1].flatMap((end, i, all) =>
    i === 0 ? [end] : [...between(all[i - 1], end), end]
  );
  for (let i = 0; i + 1 < ends.length; i++) {
    const length = ends[i + 1] - ends[i];
    if (length <= 0) {
      continue;
    }
    const part = quadrature(
      rule,
      Math.max(
        MIN_STEPS,
        Math.round(steps * length),
        Math.round((STEPS_FROM_BASELINE * length) / ends[i + 1])
      )
    );
    part.nodes.forEach((node, j) => {
      nodes.push(ends[i] + node * length);
      weights.push(part.weights[j] * length);
    });
  }
  return { nodes, weights };
}
