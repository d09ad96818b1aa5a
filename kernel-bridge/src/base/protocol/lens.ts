/** The logit lens: what the residual stream, and each expert, would say if the model ended there. */
import type { RouterIdentity, Stack, Token } from './routing';

/** A token of the vocabulary, as a distribution ranks it. */
export interface RankedToken {
  id: number;
  text?: string;
  /** Null where it is no finite number. */
  logit: number | null;
  probability: number | null;
}

/** What is said at one position. */
export interface LensReading {
  position: number;
  /** Likeliest first. */
  top: RankedToken[];
  /** Of the distribution, in nats. */
  entropy: number | null;
  /** KL(model's own || this) in nats: 0 where nothing is left to be changed. */
  klToFinal: number | null;
  /** Rank here of what the model itself says at the position; 1 for the likeliest. */
  rankOfFinal: number | null;
}

/** The stream as a block leaves it. */
export interface LensLayer {
  layer: number;
  stack?: Stack;
  /** Of the last position that was read. */
  top: RankedToken[];
  readings: LensReading[];
}

/** What an expert adds, read by itself, unweighted. */
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
  /** What could not be read, and why. */
  warnings: string[];
}
