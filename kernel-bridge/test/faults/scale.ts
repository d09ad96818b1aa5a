/** How much the tests of faults try: little among the other tests, all of it by `npm run test:faults`. */
import { appendFileSync } from 'node:fs';

export const isWhole = process.env.MOE_DEBUGGER_FAULTS !== undefined;

export const tries = (few: number, whole: number): number =>
  isWhole ? whole : few;

/** A row of docs/testing.md, where `npm run test:faults` collects them. */
export function recordFault(
  what: string,
  tried: string,
  cameOut: string
): void {
  if (process.env.MOE_DEBUGGER_FAULTS) {
    appendFileSync(
      process.env.MOE_DEBUGGER_FAULTS,
      `${JSON.stringify([what, tried, cameOut])}\n`
    );
  }
}
