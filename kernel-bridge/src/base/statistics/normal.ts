/** The standard normal distribution. */

/** Half the width of a two-sided 95 % interval, and of a one-sided one, in standard errors. */
export const Z_TWO_SIDED_95 = 1.959963984540054;
export const Z_ONE_SIDED_95 = 1.6448536269514722;

/** P(Z >= z), with relative precision far into the tail (continued fraction, Abramowitz and Stegun 26.2.14). */
export function upperNormalTail(z: number): number {
  if (z < 0) {
    return 1 - upperNormalTail(-z);
  }
  if (z > 5) {
    let fraction = z;
    for (let k = 60; k >= 1; k--) {
      fraction = z + k / fraction;
    }
    return Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
  }
  // Series of the integral from 0 to z (26.2.11).
  let term = z;
  let integral = z;
  for (let k = 1; k < 200; k++) {
    term *= (z * z) / (2 * k + 1);
    integral += term;
  }
  return 0.5 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * integral;
}
