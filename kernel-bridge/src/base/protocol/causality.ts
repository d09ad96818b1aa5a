/** Result of a causality test: experts that an output depends on more than on others of the same load. */
import type { RouterIdentity } from './routing';
import type { SweepMode } from './sweep';

export interface CausalityRow extends Pick<
  RouterIdentity,
  'layer' | 'stack' | 'module'
> {
  expert: number;
  /** Tokens that select the expert, over all prompts. */
  load: number;
  /** Criterion, ablated minus original, mean over prompts. */
  change: number;
  /** Mean absolute change from a random expert of the same load and layer. */
  nullChange: number;
  /** Share of random experts whose change is at least as large, including the expert itself. */
  p: number;
  /** The smallest `p` possible with these prompts. */
  smallestP: number;
  /** `p` adjusted for the number of tested experts (Benjamini and Hochberg). */
  pAdjusted: number;
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
  draws: number;
  rows: CausalityRow[];
  notes: string[];
}
