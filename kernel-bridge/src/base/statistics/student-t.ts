/** Student's t distribution. */
import { lazily } from '../lazily';

/** jstat takes 10 ms to load. */
const distributions = lazily(
  () =>
    require('./jstat-distributions') as typeof import('./jstat-distributions')
);

/** 95 % quantile: half the width of a one-sided 95 % interval, in standard errors. */
export function studentOneSided95(degrees: number): number {
  return distributions().studentQuantile(0.95, degrees);
}

/** 97.5 % quantile: half the width of a two-sided 95 % interval, in standard errors. */
export function studentTwoSided95(degrees: number): number {
  return studentTwoSided(0.05, degrees);
}

/** Half the width of a two-sided interval that misses with probability `alpha`, in standard errors. */
export function studentTwoSided(alpha: number, degrees: number): number {
  return distributions().studentQuantile(1 - alpha / 2, degrees);
}

/** P(T >= t): the one-sided p-value of a statistic with this many degrees of freedom. */
export function upperStudentTail(t: number, degrees: number): number {
  return t < 0
    ? 1 - upperStudentTail(-t, degrees)
    : distributions().studentTail(t, degrees);
}

/** The value that is exceeded with this probability, with relative precision for small ones. */
export function upperStudentQuantile(tail: number, degrees: number): number {
  return degrees < 1
    ? Infinity
    : -distributions().studentQuantile(tail, degrees);
}

/** The standard normal score whose tail is about that of a t of at least 0 (Wallace 1959, Annals of Mathematical Statistics 30). */
export function normalOfStudent(t: number, degrees: number): number {
  return t <= 0
    ? 0
    : Math.sqrt(degrees * Math.log1p((t * t) / degrees)) * wallace(degrees);
}

/** Its inverse. */
export function studentOfNormal(score: number, degrees: number): number {
  return Math.sqrt(
    degrees * Math.expm1((score / wallace(degrees)) ** 2 / degrees)
  );
}

const wallace = (degrees: number): number =>
  (8 * degrees + 1) / (8 * degrees + 3);
