/** What is used of jstat, which has no types. */
declare module 'jstat' {
  export const studentt: {
    /** The p quantile of Student's t; relative error below 1e-7 from 1 degree of freedom on. */
    inv(p: number, degrees: number): number;
  };
  /** The regularized incomplete beta function. */
  export function ibeta(x: number, a: number, b: number): number;
}
