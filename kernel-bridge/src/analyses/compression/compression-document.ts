/** A compression plan as JSON: `moe-debugger/compression@1`. */
import type { RouterPlace } from '../../base/protocol';
import type { Disagreement } from './decide';
import type { CompressionEffect } from './measure-effect';
import type { CompressionCriterion } from './options';

export interface CompressionDocument {
  schema: 'moe-debugger/compression@1';
  model: string;
  /** The criterion that was asked for. */
  by: CompressionCriterion;
  mergeDifference: number;
  /** What the plan was made from. */
  calibration: { prompts: number; tokens: number };
  layers: LayerPlan[];
  /** On held-out prompts; null where the graph does not take the plan's edits: `warnings` has the reason. */
  effect: CompressionEffect | null;
  warnings: string[];
}

export interface LayerPlan extends RouterPlace {
  experts: number;
  topK: number;
  /** Tokens that the layer routed. */
  tokens: number;
  /** The criterion that decided here. */
  by: CompressionCriterion;
  keep: number[];
  prune: number[];
  merge: PlannedMerge[];
  /** The edit that stands for a merge: 'mask' where the graph takes no swap, though substitutes do harm then. */
  mergedBy: 'swap' | 'mask';
  /** What each criterion alone would remove; null where it is not known. */
  removals: Record<CompressionCriterion, number[] | null>;
  disagreements: Disagreement[];
  /** NAEE's error of its best kept set and of the plan's, over the calibration tokens that it looked at; null: unknown. */
  naee: { keep: number[]; error: number; planError: number } | null;
  rows: ExpertRow[];
}

export interface PlannedMerge {
  expert: number;
  into: number;
  /** As `mergeDifference`, and the cosine of the outputs, on so many tokens. */
  difference: number;
  /** Null where one of them is zero. */
  cosine: number | null;
  tokens: number;
}

/** What is known of an expert; null where it is not. */
export interface ExpertRow {
  expert: number;
  decision: 'keep' | 'prune' | 'merge';
  /** Tokens that chose it, and their share of all. */
  tokens: number;
  tokenRate: number;
  gateSum: number;
  reap: number | null;
  ean: number | null;
  /** The expert whose outputs differ least from its own. */
  nearest: {
    expert: number;
    difference: number;
    cosine: number | null;
    jaccard: number;
    tokens: number;
  } | null;
  /** Advice by `loraRanks`, a heuristic; 0 of experts that go. */
  loraRank: number;
}
