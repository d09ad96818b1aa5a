/** The way from a baseline to the embeddings: where the routing changes on it, and how it is divided into steps. */
import { quadrature, type Quadrature } from './quadrature';
import type { QuadratureRule } from '../protocol';

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
 * makes of a prompt near zeros what it makes of the whole one.
 */
const RESOLUTION = 1e-5;
/** Nor when both are closer than this to the baseline. */
const NEAREST = 1e-9;
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
  const grid = Array.from({ length: first + 1 }, (_, i) => i / first);
  let points = await look(grid);
  const values = points.map(({ value }) => value);
  const much = STRETCH * (Math.max(...values) - Math.min(...values));
  const knots: number[] = [];
  let left = budget - grid.length;
  const differ = (i: number): boolean =>
    countChanges(points[i].routing, points[i + 1].routing) > 0;
  let open: number[] = [];
  for (;;) {
    open = [];
    for (let i = 0; i + 1 < points.length; i++) {
      const [a, b] = [points[i], points[i + 1]];
      const middle = (a.at + b.at) / 2;
      if (b.at - a.at <= Math.max(RESOLUTION * b.at, NEAREST)) {
        continue;
      }
      if (differ(i)) {
        open.push(middle);
      } else if (Math.abs(b.value - a.value) > much) {
        open.push(middle);
        knots.push(middle);
      }
    }
    if (open.length === 0 || open.length > left) {
      break;
    }
    left -= open.length;
    points = [...points, ...(await look(open))].sort((a, b) => a.at - b.at);
  }
  const breaks = [...knots];
  let jumps = 0;
  for (let i = 0; i + 1 < points.length; i++) {
    if (differ(i)) {
      breaks.push((points[i].at + points[i + 1].at) / 2);
      jumps += points[i + 1].value - points[i].value;
    }
  }
  return {
    breaks: breaks.sort((a, b) => a - b),
    jumps,
    complete: open.length === 0
  };
}

/** A rule applied between breaks, each stretch with steps in proportion to its length, three at least. */
export function composite(
  rule: QuadratureRule,
  steps: number,
  breaks: readonly number[]
): Quadrature {
  const nodes: number[] = [];
  const weights: number[] = [];
  const ends = [0, ...breaks, 1];
  for (let i = 0; i + 1 < ends.length; i++) {
    const length = ends[i + 1] - ends[i];
    if (length <= 0) {
      continue;
    }
    const part = quadrature(rule, Math.max(3, Math.round(steps * length)));
    part.nodes.forEach((node, j) => {
      nodes.push(ends[i] + node * length);
      weights.push(part.weights[j] * length);
    });
  }
  return { nodes, weights };
}
