/**
 * Monte Carlo p-value that counts the observed value among the draws (Phipson and Smyth 2010), so it is never 0.
 * @param exceeded number of draws at least as large as the observed value
 */
export function monteCarloP(exceeded: number, draws: number): number {
  return (exceeded + 1) / (draws + 1);
}
