import type { ITranslation } from '../translation';
import {
  tokensOf,
  type Coverage,
  type RoutingSample
} from 'moe-debugger/protocol';

/** The capture; `moeLayers` is absent if only the document is known, which does not contain it. */
export type ICoverage = Omit<Coverage, 'moeLayers'> &
  Partial<Pick<Coverage, 'moeLayers'>>;

/** Counts the contents of a document. */
export function coverageOf(samples: readonly RoutingSample[]): ICoverage {
  let tokens = 0;
  let slots = 0;
  let layersCaptured = 0;
  for (const sample of samples) {
    tokens += sample.tokens.length + (sample.encoderTokens?.length ?? 0);
    layersCaptured = Math.max(layersCaptured, sample.layers.length);
    for (const layer of sample.layers) {
      slots += layer.topK * tokensOf(sample, layer).length;
    }
  }
  return { layersCaptured, tokens, slots };
}

/** "6 of 6 MoE layers, 48 tokens, 576 slots = k × tokens checked", and dropped slots if there are any. */
export function coverageText(
  coverage: ICoverage,
  samples: readonly RoutingSample[],
  trans: ITranslation
): string {
  const expected = coverageOf(samples).slots;
  let dropped = 0;
  for (const sample of samples) {
    for (const layer of sample.layers) {
      dropped += layer.selected.reduce((n, e) => (e < 0 ? n + 1 : n), 0);
    }
  }
  const layers =
    coverage.moeLayers === undefined
      ? trans._n('%1 MoE layer', '%1 MoE layers', coverage.layersCaptured)
      : trans._n(
          '%2 of %1 MoE layer',
          '%2 of %1 MoE layers',
          coverage.moeLayers,
          coverage.layersCaptured
        );
  const slots =
    coverage.slots === expected
      ? trans.__('%1 slots = k × tokens, checked', coverage.slots)
      : trans.__('%1 slots captured, %2 shown here', coverage.slots, expected);
  return [
    layers,
    coverage.tokensRun === undefined
      ? trans._n('%1 token', '%1 tokens', coverage.tokens)
      : trans._n(
          '%2 of %1 token (sampled)',
          '%2 of %1 tokens (sampled)',
          coverage.tokensRun,
          coverage.tokens
        ),
    slots,
    ...(dropped > 0
      ? [trans._n('%1 slot dropped', '%1 slots dropped', dropped)]
      : [])
  ].join(', ');
}
