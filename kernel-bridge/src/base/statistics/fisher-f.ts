import { lazily } from '../lazily';

const distributions = lazily(
  () =>
    require('./jstat-distributions') as typeof import('./jstat-distributions')
);

/** P(F >= f) of Fisher's F: the p-value of a ratio of variances with these degrees of freedom. */
export function upperFisherTail(
  f: number,
  first: number,
  second: number
): number {
  return f <= 0 ? 1 : distributions().fisherTail(f, first, second);
}
