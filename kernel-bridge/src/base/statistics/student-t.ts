/** Student's t distribution. */
import type * as JStat from 'jstat';

/** 95 % quantile: half the width of a one-sided 95 % interval, in standard errors. */
export function studentOneSided95(degrees: number): number {
  return quantile(0.95, degrees);
}

/** 97.5 % quantile: half the width of a two-sided 95 % interval, in standard errors. */
export function studentTwoSided95(degrees: number): number {
  return quantile(0.975, degrees);
}

function quantile(p: number, degrees: number): number {
  if (degrees < 1) {
    return Infinity;
  }
  // Loaded with the first interval: it takes 10 ms. Bundlers follow a plain `require`, not Node's `createRequire`.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { studentt } = require('jstat') as typeof JStat;
  return studentt.inv(p, degrees);
}
