/** Result of a sweep: every expert ablated on its own, with the effect on the model's predictions. */
import type { RouterIdentity } from './routing';

export type SweepMode = 'mask' | 'drop';

/** A token whose prediction an ablation changed. */
export interface SweepToken {
  /** Id of its prompt. */
  prompt: string;
  position: number;
  id: number;
  text?: string;
  /** Preceding text, as context. */
  before?: string;
  /** KL(original || ablated) of the next-token distribution, in nats. */
  kl: number;
}

/** Effects over some prompts. Null where no finite value was measured. */
export interface SweepEffect {
  /** Number of prompts. */
  prompts: number;
  /** Number of prompts within reach of the ablation. In the others no token selects the expert; they count as 0 without a run. */
  promptsReached: number;
  /** Tokens that select the expert. */
  tokensAffected: number;
  /** Positions from the first such token of a prompt on: earlier ones cannot change. `klMean` is over these. */
  tokensReached: number;
  /** KL(original || ablated) of the next-token distribution in nats, mean over the positions within reach. */
  klMean: number | null;
  /** The same at the last token, mean over prompts. */
  klLast: number | null;
  /** Log-probability of the target after the last token, ablated minus original, in nats, mean over prompts. */
  deltaLogProb: number | null;
  /** The target's rank, 1 for the most likely, ablated minus original, mean over prompts. */
  deltaRank: number | null;
}

export interface SweepDomain extends SweepEffect {
  domain: string;
}

/** Effect of ablating one expert of one router. */
export interface SweepRow
  extends Pick<RouterIdentity, 'layer' | 'stack' | 'module'>, SweepEffect {
  expert: number;
  mode: SweepMode;
  /** Absent if no prompt has a domain. */
  domains?: SweepDomain[];
  /** The tokens with the largest change, in descending order. */
  tokens: SweepToken[];
}

/** The document that `moe-debugger sweep --json` prints. */
export interface SweepDocument {
  schema: 'moe-debugger/sweep@1';
  model: string;
  mode: SweepMode;
  prompts: number;
  tokens: number;
  /** (prompt, expert) pairs done, and in total; fewer are done if the sweep was cancelled. */
  done: number;
  total: number;
  /** Number of experts of each router, in graph order, swept or not. */
  routers: Pick<RouterIdentity, 'layer' | 'stack' | 'module' | 'experts'>[];
  rows: SweepRow[];
  /** Notes about how the results were obtained. */
  notes: string[];
}
