/** Format sensitivity as JSON: `moe-debugger/formats@1`. */
import type { ExpertPlace, RouterPlace } from '../../base/protocol';
import type { FormatKind } from './text-changes';

/** A mean over texts with its 95 % interval; null ends of one text. */
export interface Estimate {
  mean: number;
  low: number | null;
  high: number | null;
}

/** Whether a format moves routing more than an arbitrary change of as many tokens. */
export type FormatVerdict = 'more' | 'less' | 'unclear';

export interface FormatLayer extends RouterPlace {
  change: number;
  arbitrary: number;
  toOtherText: number | null;
}

/** An expert that a format moves selections to, or from. */
export interface FormatExpert extends ExpertPlace {
  /** Its slot share in the format less that after an arbitrary change, mean over texts with its 95 % interval. */
  gain: number;
  low: number;
  high: number;
  /** Under flipped signs of texts, corrected for all experts (Westfall and Young) and kinds (Bonferroni). */
  correctedP: number;
}

export interface FormatEffect {
  kind: FormatKind;
  /** Texts that it changes. */
  texts: number;
  /** The part of selections that moves to other experts (total variation of slot shares), mean over routers. */
  change: Estimate | null;
  /** The same where as many random tokens are removed and added. */
  arbitrary: Estimate | null;
  /** change / arbitrary: 1 means that the format moves routing as any change of as many tokens does. */
  ofArbitrary: Estimate | null;
  /** change / toOtherText: 1 means that the format moves routing as much as another text does. */
  ofOtherText: Estimate | null;
  /**
   * Of the tokens that text and variant have in common: the share of slots that select another expert. Null where a
   * format leaves no token as it is.
   */
  kept: { tokens: number; change: Estimate; arbitrary: Estimate } | null;
  /** That change and arbitrary differ, over texts, two-sided, corrected for all kinds (Benjamini and Hochberg). */
  correctedP: number | null;
  verdict: FormatVerdict;
  /** Of an unclear verdict. */
  reason?: string;
  layers: FormatLayer[];
  /** Those that it moves selections to or from in all kinds of text, the largest gain first. */
  experts: FormatExpert[];
}

export interface FormatDocument {
  schema: 'moe-debugger/formats@1';
  model: string;
  seed: number;
  texts: number;
  kinds: FormatEffect[];
  /** Between different texts as they are; null of one text. */
  toOtherText: Estimate | null;
  notes: string[];
}
