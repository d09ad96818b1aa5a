/** What a caller may ask of a causality test, and what is observed for it. */
import type { Progress } from '../../base/progress';
import type { SweepOptions } from '../sweep/options';
import type { Criterion } from './criterion';
import type { Loaded } from './similar-loads';

export interface CausalityOptions extends Pick<
  SweepOptions,
  'layers' | 'experts' | 'only' | 'mode' | 'signal' | 'batchSize'
> {
  criterion: Criterion;
  /** Adjusted p-value up to which an expert is called causal. Default 0.05. */
  alpha?: number;
  /** Random exchanges of experts with those that match them. By default 9999, or more for more than 24 experts. */
  draws?: number;
  /** Seed of the draws. Default 0. */
  seed?: number;
  onProgress?: (progress: Progress) => void;
}

export interface Observed {
  observations: Loaded[];
  /** The criterion without ablation, one value per prompt. */
  original: number[];
}
