/** Compares the rate of an event inside of a class with that outside, where the tokens of a text depend on each other. */
import type { Interval } from './intervals';
import { studentTwoSided95, upperStudentTail } from './student-t';

/** Events and trials, inside of the class and outside. */
export interface TwoRates {
  inside: number;
  insideTokens: number;
  outside: number;
  outsideTokens: number;
}

/**
 * 95 % interval of the lift, the rate inside over that of all, by the variance of the logarithm of the ratio of both rates, to whose counts half an event is
 * added. It stays within what a lift can be.
 *
 * @param effects design effects inside and outside: how many times more than independent tokens the rates vary
 */
export function liftInterval(
  { inside, insideTokens, outside, outsideTokens }: TwoRates,
  effects: readonly [number, number],
  degrees: number
): Interval {
  const [a, b] = [
    smoothed(inside, insideTokens),
    smoothed(outside, outsideTokens)
  ];
  const error = Math.sqrt(
    effects[0] * a.logVariance + effects[1] * b.logVariance
  );
  const width = studentTwoSided95(degrees) * error;
  const share = insideTokens / (insideTokens + outsideTokens);
  const ofRatio = (ratio: number): number =>
    Number.isFinite(ratio) ? ratio / (share * ratio + 1 - share) : 1 / share;
  const ratio = Math.log(a.rate / b.rate);
  return {
    low: ofRatio(Math.exp(ratio - width)),
    high: ofRatio(Math.exp(ratio + width))
  };
}

function smoothed(
  count: number,
  tokens: number
): { rate: number; logVariance: number } {
  const rate = (count + 0.5) / (tokens + 1);
  return { rate, logVariance: (1 - rate) / (count + 0.5) };
}

/**
 * How many times more than that of independent tokens the logarithm of the ratio of both rates varies, from groups of
 * text: the linearised variance of a ratio over that of a binomial. At least 1; NaN of fewer than two groups.
 */
export function ratioDesignEffect(groups: readonly TwoRates[]): number {
  if (groups.length < 2) {
    return NaN;
  }
  const total = sumOf(groups);
  const [a, b] = [
    smoothed(total.inside, total.insideTokens),
    smoothed(total.outside, total.outsideTokens)
  ];
  const rates = [
    total.inside / total.insideTokens,
    total.outside / total.outsideTokens
  ];
  let squares = 0;
  for (const own of groups) {
    const influence =
      (own.inside - rates[0] * own.insideTokens) / (total.inside + 0.5) -
      (own.outside - rates[1] * own.outsideTokens) / (total.outside + 0.5);
    squares += influence ** 2;
  }
  const clustered = (groups.length / (groups.length - 1)) * squares;
  return Math.max(1, clustered / (a.logVariance + b.logVariance));
}

export function sumOf(groups: readonly TwoRates[]): TwoRates {
  const total = { inside: 0, insideTokens: 0, outside: 0, outsideTokens: 0 };
  for (const own of groups) {
    total.inside += own.inside;
    total.insideTokens += own.insideTokens;
    total.outside += own.outside;
    total.outsideTokens += own.outsideTokens;
  }
  return total;
}

/**
 * One-sided p that the rate inside is larger: the signed root of the likelihood ratio with a continuity correction, divided
 * by the design effect, by Student's t.
 */
export function higherRateP(
  rates: TwoRates,
  effect: number,
  degrees: number
): number {
  const { insideTokens, outside, outsideTokens } = rates;
  const inside = rates.inside - 0.5;
  const rate = (inside + outside + 0.5) / (insideTokens + outsideTokens);
  if (!(inside / insideTokens > outside / outsideTokens) || rate >= 1) {
    return 1;
  }
  const deviance =
    2 * (gain(inside, insideTokens, rate) + gain(outside, outsideTokens, rate));
  return upperStudentTail(Math.sqrt(Math.max(0, deviance) / effect), degrees);
}

/** Log likelihood of a binomial at its own rate less that at another. */
function gain(count: number, tokens: number, rate: number): number {
  const part = (k: number, at: number): number =>
    k <= 0 ? 0 : k * Math.log(k / (tokens * at));
  return part(count, rate) + part(tokens - count, 1 - rate);
}
