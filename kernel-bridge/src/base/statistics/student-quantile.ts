import { studentt } from 'jstat';

/** The p quantile of Student's t. */
export function studentQuantile(p: number, degrees: number): number {
  return degrees < 1 ? Infinity : studentt.inv(p, degrees);
}
