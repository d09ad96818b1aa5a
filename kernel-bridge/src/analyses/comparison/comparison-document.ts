/** Several models side by side, as JSON: `moe-debugger/comparison@1`. */
import type { RouterPlace, Stack } from '../../base/protocol';

export interface ComparisonDocument {
  schema: 'moe-debugger/comparison@1';
  models: ComparedModel[];
  /** Layers at the same depth: for each stack and module, one row a layer of the model with the most. */
  aligned: AlignedDepth[];
  /** Whether all runs were made of the same tokens; null where no texts are known. */
  sameTokens: boolean | null;
  warnings: string[];
}

export interface ComparedModel {
  /** Distinct in a comparison. */
  name: string;
  prompts: number;
  tokens: number;
  /** Transformer blocks, dense ones included. */
  blocks: number;
  layers: ComparedLayer[];
}

/** Measures that mean the same whatever the number of experts; null where a trace lacks what one needs. */
export const COMPARED = {
  jain: 'Jain index',
  loadEntropy: 'load entropy',
  meanConfidence: 'confidence',
  firstChoiceRepetition: 'first choice repeated',
  domainDistance: 'distance of domains'
} as const;

export type ComparedMeasure = keyof typeof COMPARED;

export interface ComparedLayer
  extends RouterPlace, Record<ComparedMeasure, number | null> {
  /** From 0, the first block of its stack, to 1, the last. */
  depth: number;
  experts: number;
  topK: number;
}

export interface AlignedDepth {
  stack?: Stack;
  depth: number;
  /** By model: index into its layers of the one nearest in depth; null where it has no router in such a stack or module. */
  layers: (number | null)[];
}
