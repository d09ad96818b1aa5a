/** A compression plan as JSON: `moe-debugger/compression@1`. */
import type { RouterPlace } from '../../base/protocol';
import type { Disagreement } from './decide';
import type { PlanEffect } from '../held-out/measure-effect';
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
  /** The edit that represents a merge; 'mask' where the graph does not support a swap. */
  mergedBy: 'swap' | 'mask';
  /** What each criterion alone would remove; null where it is unknown. */
  removals: Record<CompressionCriterion, number[] | null>;
  disagreements: Disagreement[];
  /** NAEE's error of its best kept set and of the plan's, over the observed calibration tokens; null: unknown. */
  naee: { keep: number[]; error: number; planError: number } | null;
  rows: ExpertRow[];
}

export interface PlannedMerge {
  expert: number;
  into: number;
  /** As `mergeDifference`, and the cosine of the outputs, on this many tokens. */
  difference: number;
  /** Null if one of them is zero. */
  cosine: number | null;
  tokens: number;
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
  /** The expert with the most similar output. */
  nearest: {
    expert: number;
    difference: number;
    cosine: number | null;
    jaccard: number;
    tokens: number;
  } | null;
  /** Suggested by `loraRanks`, a heuristic; 0 for removed experts. */
  loraRank: number;
}
