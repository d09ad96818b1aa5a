/** Result of a causality test: experts that an output depends on more than on others of the same load. */
import type { RouterIdentity } from './routing';
import type { SweepMode } from './sweep';

/** Changes and excesses are in the criterion's unit, and means over all prompts. */
export interface CausalityRow extends Pick<
  RouterIdentity,
  'layer' | 'stack' | 'module'
> {
  expert: number;
  /** Tokens that select the expert, over all prompts. */
  load: number;
  /** Prompts in which tokens select the expert. */
  prompts: number;
  /** Of these, prompts with something to compare with. */
  compared: number;
  /** Criterion, ablated minus original. */
  change: number;
  /** Student's t interval of `change`; null for one prompt. */
  changeInterval: [low: number, high: number] | null;
  /** Sum of the changes, divided by `load`; null if no token selects the expert. */
  changePerToken: number | null;
  /** The same as `change`, for as many tokens and as much routing weight of other experts of the layer; null if none fit. */
  matchedChange: number | null;
  /** How well these match: their routing weight divided by the expert's, before the change is scaled to it. */
  matchedWeight: number | null;
  /** Absolute change from experts of the same load and layer: that of `matchedChange`, or 0. */
  nullChange: number;
  /** How much larger the expert's change is than the matched change, in size; null for fewer than two compared prompts. */
  excess: number | null;
  /** Of `excess`. It lies above 0 exactly where the expert is causal. Null where `excess` is, and for too few draws. */
  interval: [low: number, high: number] | null;
  /** The excess that these prompts show with a probability of 80 %; null where there is no `interval`, or no spread. */
  detectable: number | null;
  /**
   * Probability of an excess as sure without any effect: its share if expert and matched experts change places at random in
   * each prompt, over all experts, including the expert itself.
   */
  p: number;
  /** The smallest `p` possible with these prompts and draws. */
  smallestP: number;
  /** `p` adjusted for the number of tested experts (Benjamini and Hochberg). */
  pAdjusted: number;
  /** `p` adjusted so that any false finding has this probability (Holm). */
  pFamilywise: number;
  causal: boolean;
}

/** The document that `moe-debugger sweep --criterion --json` prints. */
export interface CausalityDocument {
  schema: 'moe-debugger/causality@1';
  model: string;
  criterion: string;
  mode: SweepMode;
  prompts: number;
  /** The criterion without ablation, mean over prompts. */
  original: number;
  /** Adjusted p-value up to which an expert is called causal. */
  alpha: number;
  /** Random exchanges of experts with those that match them. */
  draws: number;
  /** Experts that could be compared; p-values are adjusted for their number. */
  tests: number;
  /** Median of the rows' `detectable`. */
  detectable: number | null;
  /** Largest excess first; then those without one, largest change first. */
  rows: CausalityRow[];
  notes: string[];
}
