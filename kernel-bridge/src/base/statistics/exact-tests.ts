/** Exact tails of discrete distributions, for binomial tests and Fisher's exact test. */

/** P(X >= successes) of a binomial. */
export function binomialTail(
  successes: number,
  trials: number,
  p: number
): number {
  if (successes <= 0) {
    return 1;
  }
  if (p <= 0 || p >= 1) {
    return p >= 1 ? 1 : 0;
  }
  let logChoose = 0;
  let tail = 0;
  for (let x = trials; x >= successes; x--) {
    tail += Math.exp(
      logChoose + x * Math.log(p) + (trials - x) * Math.log1p(-p)
    );
    logChoose += Math.log(x) - Math.log(trials - x + 1);
  }
  return Math.min(1, tail);
}

/**
 * P(X >= both) when `drawn` of `total` units are drawn at random, `marked` of which are marked: Fisher's exact test,
 * one-sided (Fisher 1935, "The Logic of Inductive Inference").
 */
export function hypergeometricTail(
  both: number,
  drawn: number,
  marked: number,
  total: number
): number {
  const least = Math.max(0, drawn + marked - total);
  const most = Math.min(drawn, marked);
  if (both <= least) {
    return 1;
  }
  let tail = 0;
  for (let x = most; x >= both; x--) {
    tail += Math.exp(
      logChoose(marked, x) +
        logChoose(total - marked, drawn - x) -
        logChoose(total, drawn)
    );
  }
  return Math.min(1, tail);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const logFactorials = [0];

function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i++) {
    logFactorials.push(logFactorials[i - 1] + Math.log(i));
  }
  return logFactorials[n];
}
