/** Near misses: choices that a small change of the router's logits would have changed. */
import { MoEDebuggerError } from '../../base/errors';
import type { MarginScale } from '../../routing/selection-margin';

/** Margins below this count as near misses, by the margin's scale. */
export type NearMissThresholds = Readonly<Record<MarginScale, number>>;

export interface NearMissOptions {
  /**
   * Changes with a smaller margin are near misses. Default 0.1 for logits, which changes the ratio of two experts'
   * probabilities by a tenth; 0.025 for scores, the same at the steepest point of a sigmoid.
   */
  nearMiss?: number | Partial<NearMissThresholds>;
}

const NEAR: NearMissThresholds = { logits: 0.1, scores: 0.025 };

/** @throws MoEDebuggerError 'input' for an invalid threshold */
export function nearMissThresholds({
  nearMiss: given
}: NearMissOptions = {}): NearMissThresholds {
  const result =
    typeof given === 'number'
      ? { logits: given, scores: given }
      : { ...NEAR, ...given };
  const [wrong] = Object.entries(result).filter(
    ([, value]) => !(Number.isFinite(value) && value >= 0)
  );
  if (wrong) {
    throw new MoEDebuggerError(
      'input',
      `invalid near-miss threshold ${String(wrong[1])}`,
      { where: `nearMiss, ${wrong[0]}`, hint: 'give a number of at least 0' }
    );
  }
  return result;
}
