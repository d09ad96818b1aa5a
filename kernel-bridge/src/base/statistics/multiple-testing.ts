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
