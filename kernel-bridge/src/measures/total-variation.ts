/** Half the sum of absolute differences of two lists of shares: the part of selections that moved. */
export function totalVariation(
  a: ArrayLike<number>,
  b: ArrayLike<number>
): number {
  let distance = 0;
  for (let i = 0; i < a.length; i++) {
    distance += Math.abs(a[i] - b[i]);
  }
  return distance / 2;
}
