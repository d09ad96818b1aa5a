/** Which experts an output depends on, more than on others of their load. */
import type { RouterIdentity } from './routing';
import type { SweepMode } from './sweep';

export interface CausalityRow extends Pick<
  RouterIdentity,
  'layer' | 'stack' | 'module'
> {
  expert: number;
  /** Tokens that chose the expert, over all prompts. */
  load: number;
  /** Of the criterion, ablated minus original, mean over prompts. */
  change: number;
  /** The mean size of the change that a random expert of the same load and layer makes. */
  nullChange: number;
  /** Share of random experts whose change is at least as large, the expert itself counted. */
  p: number;
  /** The least that `p` could have come to with these prompts. */
  smallestP: number;
  /** `p` adjusted for the number of experts that were tested (Benjamini and Hochberg). */
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
  /** The criterion without an ablation, mean over prompts. */
  original: number;
  /** The adjusted p below which an expert is called causal. */
  alpha: number;
  draws: number;
  rows: CausalityRow[];
  notes: string[];
}
