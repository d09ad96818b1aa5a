/** Distributions that jstat computes; loaded at their first use. */
import { ibeta, studentt } from 'jstat';

/** The p quantile of Student's t. */
export function studentQuantile(p: number, degrees: number): number {
  return degrees < 1 ? Infinity : studentt.inv(p, degrees);
}

/** P(T >= t) of Student's t, t >= 0, with relative precision far into the tail. */
export function studentTail(t: number, degrees: number): number {
  return degrees < 1
    ? 0.5
    : ibeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

/** P(F >= f) of Fisher's F, with relative precision far into the tail. */
export function fisherTail(f: number, first: number, second: number): number {
  return ibeta(second / (second + first * f), second / 2, first / 2);
}
