/** Logit lens: the next-token distribution of the residual stream, and of each expert, read through the unembedding. */
import type { RouterIdentity, Stack, Token } from './routing';

/** A token of the vocabulary with its rank in a distribution. */
export interface RankedToken {
  id: number;
  text?: string;
  /** Null if it is not finite. */
  logit: number | null;
  probability: number | null;
}

/** Readings at one position. */
export interface LensReading {
  position: number;
  /** Most likely first. */
  top: RankedToken[];
  /** Entropy of the distribution, in nats. */
  entropy: number | null;
  /** KL(model's own || this) in nats: 0 if later layers change nothing. */
  klToFinal: number | null;
  /** Rank here of the model's own top token at the position; 1 is the most likely. */
  rankOfFinal: number | null;
}

/** The stream after a block. */
export interface LensLayer {
  layer: number;
  stack?: Stack;
  /** At the last position that was read. */
  top: RankedToken[];
  readings: LensReading[];
}

/** An expert's output, read on its own, unweighted. */
export interface ExpertVote {
  expert: number;
  weight: number | null;
  top: RankedToken[];
}

export interface LensExperts extends RouterIdentity {
  positions: { position: number; votes: ExpertVote[] }[];
}

export interface LensData {
  model: string;
  tokens: Token[];
  /** Positions that were read, in ascending order. */
  positions: number[];
  layers: LensLayer[];
  experts: LensExperts[];
  /** What was skipped, and why. */
  warnings: string[];
}
