/** Whether a layer's experts were copied from one network (upcycled) or trained apart (Lazarus). */
import { cosineMatrix } from './similarity';
import { dot } from './vectors';

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
 */
export function rankAtVariance(
  matrix: ArrayLike<number>,
  rows: number,
  variance = RANK_VARIANCE
): number {
  const eigenvalues = gramEigenvalues(matrix, rows).sort((a, b) => b - a);
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

/** Squared singular values. */
function gramEigenvalues(matrix: ArrayLike<number>, rows: number): number[] {
  const columns = matrix.length / rows;
  const wide = rows <= columns;
  const n = wide ? rows : columns;
  const line = (i: number): Float64Array =>
    Float64Array.from(
      { length: wide ? columns : rows },
      (_, j) => matrix[wide ? i * columns + j : j * columns + i]
    );
  const lines = Array.from({ length: n }, (_, i) => line(i));
  const gram = lines.map(a => Float64Array.from(lines, b => dot(a, b)));
  return jacobiEigenvalues(gram);
}

const MAX_SWEEPS = 60;

/** Eigenvalues of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, section 8.5). */
function jacobiEigenvalues(a: Float64Array[]): number[] {
  const n = a.length;
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let off = 0;
    let diagonal = 0;
    for (let i = 0; i < n; i++) {
      diagonal += a[i][i] ** 2;
      for (let j = i + 1; j < n; j++) {
        off += a[i][j] ** 2;
      }
    }
    if (!(off > 1e-24 * diagonal)) {
      break;
    }
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        rotate(a, p, q);
      }
    }
  }
  return a.map((row, i) => Math.max(0, row[i]));
}

/** Makes a[p][q] zero. */
function rotate(a: Float64Array[], p: number, q: number): void {
  if (a[p][q] === 0) {
    return;
  }
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t =
    (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta ** 2 + 1));
  const c = 1 / Math.sqrt(t ** 2 + 1);
  const s = t * c;
  for (let k = 0; k < a.length; k++) {
    const [kp, kq] = [a[k][p], a[k][q]];
    a[k][p] = c * kp - s * kq;
    a[k][q] = s * kp + c * kq;
  }
  for (let k = 0; k < a.length; k++) {
    const [pk, qk] = [a[p][k], a[q][k]];
    a[p][k] = c * pk - s * qk;
    a[q][k] = s * pk + c * qk;
  }
}
