/** How sure a finding is. */

/**
 * Monte Carlo p-value, the observed value counted among the draws (Phipson and Smyth 2010): it is never 0.
 * @param exceeded draws that came to at least the observed value
 */
export function monteCarloP(exceeded: number, draws: number): number {
  return (exceeded + 1) / (draws + 1);
}

/** False discovery rate: each p-value adjusted (Benjamini and Hochberg 1995), in the order given. */
export function benjaminiHochberg(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => values[b] - values[a]);
  const adjusted = Array<number>(values.length);
  let least = 1;
  order.forEach((index, i) => {
    least = Math.min(
      least,
      (values[index] * values.length) / (values.length - i)
    );
    adjusted[index] = least;
  });
  return adjusted;
}
