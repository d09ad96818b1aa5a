/** A compression plan as JSON: `moe-debugger/compression@1`. */
import type { RouterPlace } from '../../base/protocol';
import type { StoredBits } from '../../onnx/graph/parameter-storage';
import type { Disagreement } from './decide';
import type { PlanEffect } from '../held-out/measure-effect';
import type { WeightLikeness } from './expert-likeness';
import type { CompressionCriterion } from './options';

export interface CompressionDocument {
  schema: 'moe-debugger/compression@1';
  model: string;
  /** The requested criterion. */
  by: CompressionCriterion;
  mergeDifference: number;
  /** Size of the calibration data. */
  calibration: { prompts: number; tokens: number };
  layers: LayerPlan[];
  /** On held-out prompts; null where the graph does not support the plan's edits: `warnings` gives the reason. */
  effect: PlanEffect | null;
  /** Plans that remove as many experts at random; null where none was measured. */
  random: RandomPlans | null;
  /** Null where the graph does not tell experts apart. */
  sizes: PlanSizes | null;
  warnings: string[];
}

export interface LayerPlan extends RouterPlace {
  experts: number;
  topK: number;
  /** Tokens that the layer routed. */
  tokens: number;
  /** The criterion that was applied here. */
  by: CompressionCriterion;
  keep: number[];
  prune: number[];
  merge: PlannedMerge[];
  /** Experts whose outputs are extreme (arXiv 2507.23279), which are kept; null where outputs are unknown. */
  superExperts: number[] | null;
  /** The edit that represents a merge; 'mask' where the graph does not support a swap. */
  mergedBy: 'swap' | 'mask';
  /** What each criterion alone would remove; null where it is unknown. */
  removals: Record<CompressionCriterion, number[] | null>;
  disagreements: Disagreement[];
  /** NAEE's error of its best kept set and of the plan's, over the observed calibration tokens; null: unknown. */
  naee: { keep: number[]; error: number; planError: number } | null;
  /** Of each expert, the others that are most like it: in outputs, in weights, and in the tokens that select both. */
  pairs: PairRow[];
  rows: ExpertRow[];
}

export interface PlannedMerge extends PairLikeness {
  expert: number;
  into: number;
}

/** How alike two experts are; null where it is not known. */
export interface PairLikeness {
  /** As `mergeDifference`, and the cosine of the outputs, on this many tokens. */
  difference: number | null;
  cosine: number | null;
  tokens: number;
  weights: WeightLikeness | null;
  /** Of the sets of tokens that select them; null if no token selects either. */
  jaccard: number | null;
}

export interface PairRow extends PairLikeness {
  /** Ascending. */
  experts: [number, number];
  merged: boolean;
  /** Why they are not merged; null for those that are. */
  reason:
    | 'unlike'
    | 'likeness unknown'
    | 'super expert'
    | 'of different kinds'
    | 'not needed'
    | null;
}

/** Measurements of an expert; null where unknown. */
export interface ExpertRow {
  expert: number;
  decision: 'keep' | 'prune' | 'merge';
  /** Tokens that select it, and their share of all. */
  tokens: number;
  tokenRate: number;
  gateSum: number;
  reap: number | null;
  ean: number | null;
  /** The largest |value| of its output over the tokens that select it. */
  peak: number | null;
  superExpert: boolean;
  /** The expert with the most similar output. */
  nearest: (PairLikeness & { expert: number }) | null;
  /** Suggested by `loraRanks`, a heuristic; 0 for removed experts. */
  loraRank: number;
}

export interface RandomPlans {
  seed: number;
  /** On the same held-out prompts, of all domains. */
  plans: { lossWithPlan: number; change: number; kl: number }[];
  /** How many of them change the predictions less than the plan: have a smaller KL. */
  better: number;
}

/** Bytes of as many parameters, in each precision. */
export interface SizeByPrecision {
  parameters: number;
  /** Of the tensors as the file stores them, with scales and zero points. */
  stored: number;
  fp32: number;
  fp16: number;
  /** Without scales and zero points, whose number depends on the method. */
  int8: number;
  int4: number;
}

export interface PlanSizes {
  /** The routed experts of all layers. Shared experts and routers are part of the model only. */
  experts: { before: SizeByPrecision; after: SizeByPrecision };
  model: { before: SizeByPrecision; after: SizeByPrecision };
  /** How the file stores the parameters of the experts, and of the whole model, by width. */
  storedAs: { experts: StoredBits[]; model: StoredBits[] };
}
