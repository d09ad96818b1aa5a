/** Quadrature rules: nodes and weights that turn an integral over [0, 1] into a sum. */
import type { QuadratureRule } from '../../base/protocol';

export interface Quadrature {
  /** Ascending. */
  nodes: number[];
  /** They sum to 1. */
  weights: number[];
}

export function quadrature(rule: QuadratureRule, steps: number): Quadrature {
  return rule === 'midpoint' ? midpoint(steps) : gaussLegendre(steps);
}

/** Midpoints of equal intervals. */
function midpoint(steps: number): Quadrature {
  return {
    nodes: Array.from({ length: steps }, (_, i) => (i + 0.5) / steps),
    weights: new Array<number>(steps).fill(1 / steps)
  };
}

/**
 * The zeros x of the Legendre polynomial P_n with weights 2 / ((1 - x²) P_n'(x)²), moved from [-1, 1] to [0, 1]: exact
 * for polynomials up to degree 2n - 1 (Abramowitz and Stegun 25.4.29). Zeros by Newton's method from cosines.
 */
function gaussLegendre(steps: number): Quadrature {
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = steps - 1; i >= 0; i--) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (steps + 0.5));
    let slope = 0;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const [value, derivative] = legendre(steps, x);
      slope = derivative;
      const change = value / derivative;
      x -= change;
      if (Math.abs(change) < 1e-15) {
        break;
      }
    }
    slope = legendre(steps, x)[1];
    nodes.push((1 + x) / 2);
    weights.push(1 / ((1 - x * x) * slope * slope));
  }
  return { nodes, weights };
}

const MAX_ROUNDS = 100;

/** P_n(x) and its derivative, by Bonnet's recursion. */
function legendre(n: number, x: number): [value: number, derivative: number] {
  let before = 1;
  let value = x;
  for (let k = 2; k <= n; k++) {
    [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  }
  return [value, (n * (x * value - before)) / (x * x - 1)];
}
