import { MoEDebuggerError } from '../../base/errors';

export interface TriggerOptions {
  /** Length of a sequence. Default 2. */
  n?: number;
  /** Level of the corrected p. Default 0.05. */
  significance?: number;
}

const LONGEST = 16;

/** @throws MoEDebuggerError 'input' naming the invalid option */
export function checkOptions({
  n = 2,
  significance = 0.05
}: TriggerOptions): Required<TriggerOptions> {
  if (!(Number.isInteger(n) && n >= 2 && n <= LONGEST)) {
    throw new MoEDebuggerError(
      'input',
      `a sequence cannot have ${String(n)} tokens`,
      { where: 'n', hint: `give a whole number from 2 to ${LONGEST}` }
    );
  }
  if (!(significance > 0 && significance <= 1)) {
    throw new MoEDebuggerError(
      'input',
      `significance cannot be ${String(significance)}`,
      { where: 'significance', hint: 'give a number above 0, up to 1' }
    );
  }
  return { n, significance };
}
