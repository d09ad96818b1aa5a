/** The document of `diagnose`. */
import type { FoundInRouting, Stack } from '../../base/protocol';
import type { Thresholds } from './thresholds';

export interface DiagnosedLayer {
  layer: number;
  stack?: Stack;
  module?: string;
  experts: number;
  topK: number;
  tokens: number;
  jain: number | null;
  jainUpperBound: number | null;
  cv: number | null;
  maxVio: number | null;
  loadEntropy: number | null;
  droppedSlotRate: number | null;
  /** [experts] */
  slotShare: (number | null)[];
  /** [experts] */
  tokenRate: (number | null)[];
  firstChoiceRepetition: number | null;
  anyOverlapRepetition: number | null;
  /** Null where the trace has no logits. */
  meanTokenEntropy: number | null;
  meanConfidence: number | null;
  meanKeptMass: number | null;
  meanNearMiss: number | null;
  decisiveTokenRate: number | null;
  zLoss: number | null;
  switchLoss: number | null;
}
export interface Diagnosis extends FoundInRouting {
  schema: 'moe-debugger/diagnose@1';
  layers: DiagnosedLayer[];
  /** Hugging Face's pooled auxiliary loss, k at balance; it hides what single layers show. Null without logits. */
  pooledAuxiliaryLoss: number | null;
  thresholds: Thresholds;
}
