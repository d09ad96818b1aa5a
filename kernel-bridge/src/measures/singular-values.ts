import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** The squared singular values of a matrix, [rows, columns], row-major, in no order. */
export function squaredSingularValues(
  matrix: ArrayLike<number>,
  rows: number
): number[] {
  const columns = matrix.length / rows;
  const whole = Matrix.from1DArray(rows, columns, matrix);
  // Of the shorter side: both have the same values but for zeros.
  const gram =
    rows <= columns
      ? whole.mmul(whole.transpose())
      : whole.transpose().mmul(whole);
  return new EigenvalueDecomposition(gram, {
    assumeSymmetric: true
  }).realEigenvalues.map(value => Math.max(0, value));
}
