/** The way from a baseline to the embeddings: where the routing changes on it, and how it is divided into steps. */
import { quadrature, type Quadrature } from './quadrature';
import type { QuadratureRule } from '../../base/protocol';

/** What was seen at one place of the way. */
export interface PathPoint {
  at: number;
  value: number;
  /** A number for each token and layer that is the same where the same experts were chosen. */
  routing: Int32Array;
}

/** Choices, a token and layer each, that differ between two places. */
export function countChanges(a: Int32Array, b: Int32Array): number {
  return a.reduce((count, choice, i) => count + (choice === b[i] ? 0 : 1), 0);
}

export interface Segments {
  /** Where the routing changes, and other ends of stretches over which the value changes little; ascending. */
  breaks: number[];
  /** How far the value jumps at all of them together. */
  jumps: number;
  /** False when there were more changes than could be told apart within the budget. */
  complete: boolean;
}

/**
 * Two places are not divided further when they are closer than this part of their distance from the baseline: a norm
 * makes of a prompt near zeros what it makes of the whole one. Between them the value also changes smoothly, as beside
 * them, which is no part of a jump.
 */
const RESOLUTION = 1e-3;
/** Nor when both are closer than this to the baseline. */
const NEAREST = 1e-30;
const CLOSER = 4;
/** Part of the value's whole range that a stretch without a change of routing may cover. */
const STRETCH = 0.05;

/**
 * Halves the stretches at whose ends the routing differs until they are short, and those over which the value changes
 * much: near a baseline of zeros a norm makes it change within a hundredth of the way.
 * @param look looks at places of the way, in ascending order
 * @param budget how many places may be looked at
 */
export async function findBreaks(
  look: (places: number[]) => Promise<PathPoint[]>,
  first: number,
  budget: number
): Promise<Segments> {
  // Evenly, and ever closer to the baseline: each norm makes hundreds of times more of what is smaller than its epsilon.
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
    // Where not all can be divided, those that may hold most.
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

/** Steps of a stretch, at least, and of one that begins at the baseline. */
const LEAST_STEPS = 3;
const STEPS_FROM_BASELINE = 8;

/** How far the value changes between two neighbours, less what it does so smoothly: as it does on either side of them. */
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

/** Places that divide a stretch which is long for how near it begins to the baseline. */
function between(from: number, to: number): number[] {
  const places: number[] = [];
  for (let at = from * LONGEST; from > 0 && at < to; at *= LONGEST) {
    places.push(at);
  }
  return places;
}

/** How many times as far from the baseline a stretch may end as it begins. */
const LONGEST = 8;

/** A rule applied between breaks, each stretch with steps in proportion to its length, and to how far it reaches towards the baseline. */
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
        LEAST_STEPS,
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
