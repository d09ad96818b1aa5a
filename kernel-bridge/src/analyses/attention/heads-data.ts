/** Scores of attention heads, as data. */
import type { Stack } from '../../base/protocol';
import type { Interval } from '../../measures';
import type { HeadScores } from './head-scores';
import type { UnknownAttention } from './attention';

export type HeadKind = 'induction' | 'previous-token' | 'duplicate-token';
/** A mean over sequences with its 95 % interval by Student's t; for one sequence the interval is [0, 1]. */
export interface HeadScore extends Interval {
  mean: number;
}
export interface ScoredHead {
  layer: number;
  stack?: Stack;
  head: number;
  scores: Record<keyof HeadScores, HeadScore>;
  /** Scores of uniform attention. */
  chance: HeadScores;
  /** Labels: the kinds whose score reaches the threshold. */
  kinds: HeadKind[];
  /** Accuracy on the second copy with this head ablated. Only with `removal`. */
  accuracyWithout?: number;
}
export interface HeadsData {
  model: string;
  sequences: { count: number; length: number; seed?: number };
  threshold: number;
  /** Part of the second copy's tokens, except the first, that the model predicts. */
  accuracy: number;
  /** Every self-attention head, in graph order. */
  heads: ScoredHead[];
  /** Attention of unsupported forms. */
  unknown: readonly UnknownAttention[];
  /** The edits that the model had, as text. */
  edits?: readonly string[];
}
