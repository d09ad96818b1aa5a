/**
 * Monte Carlo p-value, the observed value counted among the draws (Phipson and Smyth 2010): it is never 0.
 * @param exceeded draws that came to at least the observed value
 */
export function monteCarloP(exceeded: number, draws: number): number {
  return (exceeded + 1) / (draws + 1);
}
