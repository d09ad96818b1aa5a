/**
 * How many times more units of text than tokens a rate varies: the variance of a ratio over texts, divided by that of
 * independent tokens (Rao and Scott 1992, Biometrics 48), over all columns together. At least 1; NaN of fewer than two
 * texts.
 *
 * @param counts one a text, [columns]: tokens with the property
 * @param tokens one a text
 */
export function designEffect(
  counts: readonly ArrayLike<number>[],
  tokens: readonly number[]
): number {
  const texts = tokens.length;
  if (texts < 2) {
    return NaN;
  }
  const total = tokens.reduce((a, b) => a + b, 0);
  let between = 0;
  let binomial = 0;
  for (let c = 0; c < counts[0].length; c++) {
    const rate = counts.reduce((sum, row) => sum + row[c], 0) / total;
    for (let i = 0; i < texts; i++) {
      between += (counts[i][c] - rate * tokens[i]) ** 2;
    }
    binomial += rate * (1 - rate) * total;
  }
  return binomial > 0
    ? Math.max(1, ((texts / (texts - 1)) * between) / binomial)
    : 1;
}
