/** Options of load balancing, and their validation. */
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { Prompt } from '../../run/model/prompt';
import type { BiasPlace } from './fit-layer';

export interface PredictBalanceOptions {
  /** Layers whose Jain index is lower get biases. Default 0.95. */
  target?: number;
}

export interface BalanceOptions extends PredictBalanceOptions {
  /** Prompts to try the biases on. Default: every second prompt of each domain, which the fit does not see. */
  heldOut?: Prompt | readonly Prompt[];
  /**
   * Where biases are added. Default 'selection': to what experts are selected by, and to no weight; layers whose graph
   * does not support that get them on their logits.
   */
  place?: BiasPlace;
  signal?: AbortSignal;
  /** Called after each forward pass. */
  onProgress?: (progress: Progress) => void;
}

export const TARGET = 0.95;
export const BIAS_PLACES: readonly BiasPlace[] = ['selection', 'logits'];

/** @throws MoEDebuggerError 'input' naming the invalid option */
export function checkOptions({ target = TARGET, place }: BalanceOptions): void {
  if (!(target > 0 && target <= 1)) {
    throw new MoEDebuggerError('input', `invalid target ${String(target)}`, {
      where: 'target',
      hint: 'give a Jain index above 0, up to 1'
    });
  }
  if (place !== undefined && !BIAS_PLACES.includes(place)) {
    throw new MoEDebuggerError(
      'input',
      `biases cannot be added to ${String(place)}`,
      { where: 'place', hint: `give ${BIAS_PLACES.join(' or ')}` }
    );
  }
}
