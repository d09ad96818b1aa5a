/**
 * p-values corrected for the number of tests (Benjamini and Hochberg 1995), in the order given: of the tests called
 * significant below q, at most a share q is expected to be false.
 *
 * @param tests total number of tests if not all p-values are given; the others count as 1
 */
export function benjaminiHochberg(
  pValues: readonly number[],
  tests = pValues.length
): number[] {
  const largestFirst = [...pValues.keys()].sort(
    (a, b) => pValues[b] - pValues[a]
  );
  const corrected = new Array<number>(pValues.length);
  let least = 1;
  largestFirst.forEach((i, fromEnd) => {
    const rank = pValues.length - fromEnd;
    least = Math.min(least, (pValues[i] * tests) / rank);
    corrected[i] = least;
  });
  return corrected;
}

/**
 * p-values corrected for the number of tests (Holm 1979), in the order given: the probability that any test is falsely
 * called significant below q is at most q, whatever the tests have in common.
 */
export function holm(pValues: readonly number[]): number[] {
  const smallestFirst = [...pValues.keys()].sort(
    (a, b) => pValues[a] - pValues[b]
  );
  const corrected = new Array<number>(pValues.length);
  let most = 0;
  smallestFirst.forEach((i, rank) => {
    most = Math.max(most, Math.min(1, pValues[i] * (pValues.length - rank)));
    corrected[i] = most;
  });
  return corrected;
}
