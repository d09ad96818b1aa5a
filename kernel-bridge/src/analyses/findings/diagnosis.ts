/** The document of `diagnose`. */
import type { FoundInRouting, Stack } from '../../base/protocol';
import type { OfExpert, OfLayer } from '../../measures';
import type { Thresholds } from './thresholds';

/** Lists per expert that a diagnosis has too; an analysis has all of them. */
export const LOADS = ['slotShare', 'tokenRate'] as const;

/** Null if undefined: nothing was selected, or the trace has no logits. */
export interface DiagnosedLayer
  extends
    OfLayer<number | null>,
    Pick<OfExpert<(number | null)[]>, (typeof LOADS)[number]> {
  layer: number;
  stack?: Stack;
  module?: string;
  experts: number;
  topK: number;
  tokens: number;
}

export interface Diagnosis extends FoundInRouting {
  schema: 'moe-debugger/diagnose@1';
  layers: DiagnosedLayer[];
  /** Hugging Face's auxiliary loss over all layers together, k at balance; single unbalanced layers may not show in it. Null without logits. */
  pooledAuxiliaryLoss: number | null;
  thresholds: Thresholds;
}
