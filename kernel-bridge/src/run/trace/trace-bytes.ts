/** How much memory a trace takes. */
import type { RoutingTrace } from './routing-trace';

/** Of a token beside its text, and of a step: an object with a few numbers. */
const OBJECT = 64;

/** An estimate: arrays are counted exactly, objects and texts by their usual size. */
export function bytesOf({
  samples,
  outputLogits,
  steps
}: Pick<RoutingTrace, 'samples' | 'outputLogits' | 'steps'>): number {
  let bytes = 0;
  for (const { tokens, encoderTokens = [], layers } of samples) {
    for (const { text = '' } of [...tokens, ...encoderTokens]) {
      bytes += OBJECT + 2 * text.length;
    }
    for (const { logits, selected, weights } of layers) {
      bytes += logits.byteLength + selected.byteLength + weights.byteLength;
    }
  }
  for (const { data } of outputLogits.values()) {
    bytes += data.byteLength;
  }
  for (const own of steps.values()) {
    bytes += OBJECT * own.length;
  }
  return bytes;
}
