/** What a person may change about a model's routing. Nothing of the model is touched: an edit is what a run is fed. */
import type { Stack } from '../protocol';

/** One router: its block, and its stack and module where the block's number alone does not tell it. */
export interface RouterPlace {
  layer: number;
  stack?: Stack;
  /** Of a block with two routers: 'attention' or 'mlp'. */
  module?: string;
}

/** Token positions from the first up to, but not including, the second; without a second to the end. */
export type TokenRange = readonly [from: number, to?: number];

/**
 * What taking an expert away means. They differ, and are never mixed:
 * - mask: its logit is taken away before scores and choice, so a substitute enters;
 * - drop: its term vanishes, and the other experts keep their weights;
 * - swap: another expert runs in its place, at the same weight.
 */
export type AblationMode = 'mask' | 'drop' | 'swap';

export interface Ablation extends RouterPlace {
  expert: number;
  /** Default 'mask'. */
  mode?: AblationMode;
  /** Of 'swap': the expert that runs instead. */
  to?: number;
  tokens?: TokenRange;
}

export interface Edits {
  ablate?: readonly Ablation[];
  /** Only this expert, with weight 1; shared experts stay. */
  force?: readonly (RouterPlace & { expert: number; tokens?: TokenRange })[];
  /** Experts a token, of all routers or of some; weights follow the model's own rule. */
  topK?: number | readonly (RouterPlace & { k: number })[];
  /** Added to an expert's logit before scores and choice. */
  bias?: readonly (RouterPlace & {
    expert: number;
    value: number;
    tokens?: TokenRange;
  })[];
}

/** One edit as a trace records it. */
export interface EditRecord extends RouterPlace {
  kind: 'ablate' | 'force' | 'topK' | 'bias';
  expert?: number;
  mode?: AblationMode;
  to?: number;
  k?: number;
  value?: number;
  tokens?: TokenRange;
}
