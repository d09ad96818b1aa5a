/** Whether a layer's experts were copied from one network (upcycled) or trained apart (Lazarus). */
import { lazily } from '../base/lazily';
import { countNonFinite } from './non-finite';
import { cosineMatrix } from './similarity';

/** ml-matrix takes 20 ms to load. */
const squaredSingularValues = lazily(
  () => require('./singular-values') as typeof import('./singular-values'),
  'squaredSingularValues'
);

/** Share of the variance that the rank accounts for. */
export const RANK_VARIANCE = 0.95;
/** Copies of one network stay alike: unrelated experts have cosines near 0. */
export const UPCYCLED_COSINE = 0.5;

export interface TypeTest {
  type: 'upcycled' | 'pretrained';
  /** Mean cosine over all pairs of experts. */
  meanPairwiseCosine: number;
}

/** @param experts each expert's weights as one vector. NaN and 'pretrained' with fewer than two. */
export function typeTest(experts: readonly ArrayLike<number>[]): TypeTest {
  const n = experts.length;
  const matrix = cosineMatrix(experts);
  let total = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      total += matrix[i * n + j];
    }
  }
  const meanPairwiseCosine = total / ((n * (n - 1)) / 2);
  return {
    type: meanPairwiseCosine > UPCYCLED_COSINE ? 'upcycled' : 'pretrained',
    meanPairwiseCosine
  };
}

/**
 * The smallest number of singular values of a matrix whose squares sum to 95 % of all (Lazarus: of gate, up and down
 * projections; of a stack of expert weights it is small when they share a base).
 *
 * @param matrix [rows, columns], row-major; the shorter side decides the cost, which is its third power
 * @returns NaN of numbers that are not finite
 */
export function rankAtVariance(
  matrix: ArrayLike<number>,
  rows: number,
  variance = RANK_VARIANCE
): number {
  if (matrix.length === 0) {
    return 0;
  }
  if (countNonFinite(matrix) > 0) {
    return NaN;
  }
  const eigenvalues = squaredSingularValues(matrix, rows).sort((a, b) => b - a);
  const total = eigenvalues.reduce((a, b) => a + b, 0);
  let reached = 0;
  for (let rank = 0; rank < eigenvalues.length; rank++) {
    // Rounding may keep the sum of all a little below the total.
    if (reached >= variance * total * (1 - 1e-12)) {
      return rank;
    }
    reached += eigenvalues[rank];
  }
  return eigenvalues.length;
}
