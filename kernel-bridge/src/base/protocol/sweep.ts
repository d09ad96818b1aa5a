/** What a sweep found: every expert taken away, one at a time, and what that did to the model's predictions. */
import type { RouterIdentity } from './routing';

export type SweepMode = 'mask' | 'drop';

/** A token whose prediction an ablation changed. */
export interface SweepToken {
  /** Id of its prompt. */
  prompt: string;
  position: number;
  id: number;
  text?: string;
  /** The text before it, as far as it is needed to know the place. */
  before?: string;
  /** KL(original || ablated) of the distribution of the token after it, in nats. */
  kl: number;
}

/** Figures over some prompts. Null where nothing finite was measured. */
export interface SweepEffect {
  /** Prompts that were measured. */
  prompts: number;
  /** Those of them that the ablation reaches: in the others no token chose the expert, and all is 0, without a run. */
  promptsReached: number;
  /** Tokens that chose the expert. */
  tokensAffected: number;
  /** Positions from the first such token of a prompt on: earlier ones cannot change. `klMean` is over these. */
  tokensReached: number;
  /** KL(original || ablated) of the next token's distribution in nats, mean over the positions that are reached. */
  klMean: number | null;
  /** The same at the last token, mean over prompts. */
  klLast: number | null;
  /** Log-probability of the target after the last token, ablated minus original, in nats, mean over prompts. */
  deltaLogProb: number | null;
  /** The target's rank, 1 for the likeliest, ablated minus original, mean over prompts. */
  deltaRank: number | null;
}

export interface SweepDomain extends SweepEffect {
  domain: string;
}

/** One expert of one router taken away. */
export interface SweepRow
  extends Pick<RouterIdentity, 'layer' | 'stack' | 'module'>, SweepEffect {
  expert: number;
  mode: SweepMode;
  /** Absent when no prompt has a domain. */
  domains?: SweepDomain[];
  /** The tokens that changed most, most first. */
  tokens: SweepToken[];
}

/** The document that `moe-debugger sweep --json` prints. */
export interface SweepDocument {
  schema: 'moe-debugger/sweep@1';
  model: string;
  mode: SweepMode;
  prompts: number;
  tokens: number;
  /** (prompt, expert) pairs that were measured, of those asked for; fewer when a person ended the sweep. */
  done: number;
  total: number;
  /** The experts of each router, in graph order, whether they were swept or not. */
  routers: Pick<RouterIdentity, 'layer' | 'stack' | 'module' | 'experts'>[];
  rows: SweepRow[];
  /** What a reader should know of how the figures came about. */
  notes: string[];
}
