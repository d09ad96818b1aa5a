/** Scores of attention heads, apart from how they look. */
import type { Stack } from '../../base/protocol';
import type { Interval } from '../../measures';
import type { HeadScores } from './head-scores';
import type { UnknownAttention } from './attention';

export type HeadKind = 'induction' | 'previous-token' | 'duplicate-token';
/** A mean over sequences with its 95 % interval by Student's t; the interval is all of 0 to 1 for one sequence. */
export interface HeadScore extends Interval {
  mean: number;
}
export interface ScoredHead {
  layer: number;
  stack?: Stack;
  head: number;
  scores: Record<keyof HeadScores, HeadScore>;
  /** What a head would score that attends to all tokens alike. */
  chance: HeadScores;
  /** What it is by its scores: those that reach the threshold. */
  kinds: HeadKind[];
  /** How often the second copy is still predicted without it. Where removal was asked for. */
  accuracyWithout?: number;
}
export interface HeadsData {
  model: string;
  sequences: { count: number; length: number; seed?: number };
  threshold: number;
  /** Part of the second copy's tokens, but for the first, that the model predicts. */
  accuracy: number;
  /** Every head of attention within a stack, in graph order. */
  heads: ScoredHead[];
  /** Attention of forms that are not known. */
  unknown: readonly UnknownAttention[];
}
