/** Checks the options of a circuit search. */
import { MoEDebuggerError } from '../../base/errors';
import { MAX_STEPS, type CircuitOptions } from './options';

/** A number that is given or not, and the least and the most that it can be. */
type Whole = readonly [given: number | undefined, least: number, most: number];

/**
 * @param others whole numbers by name
 * @throws MoEDebuggerError 'input' naming the option
 */
export function checkOptions(
  { steps, randomCircuits, seed, size, threshold = 0 }: CircuitOptions,
  others: Readonly<Record<string, Whole>>
): void {
  const wholes: Record<string, Whole> = {
    steps: [steps, 1, MAX_STEPS],
    randomCircuits: [randomCircuits, 0, 1000],
    seed: [seed, 0, Number.MAX_SAFE_INTEGER],
    size: [size, 0, Number.MAX_SAFE_INTEGER],
    ...others
  };
  for (const [where, [value = 1, least, most]] of Object.entries(wholes)) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new MoEDebuggerError('input', `${where} cannot be ${value}`, {
        where,
        hint: `give a whole number of ${least} to ${most}`
      });
    }
  }
  if (!Number.isFinite(threshold) || threshold < 0) {
    throw new MoEDebuggerError(
      'input',
      `the threshold cannot be ${threshold}`,
      { where: 'threshold', hint: 'give a number of at least 0' }
    );
  }
}
