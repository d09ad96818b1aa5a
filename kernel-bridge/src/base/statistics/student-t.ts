/** Student's t distribution. */
import { lazily } from '../lazily';

/** jstat takes 10 ms to load. */
const quantile = lazily(
  () => require('./student-quantile') as typeof import('./student-quantile'),
  'studentQuantile'
);

/** 95 % quantile: half the width of a one-sided 95 % interval, in standard errors. */
export function studentOneSided95(degrees: number): number {
  return quantile(0.95, degrees);
}

/** 97.5 % quantile: half the width of a two-sided 95 % interval, in standard errors. */
export function studentTwoSided95(degrees: number): number {
  return quantile(0.975, degrees);
}
