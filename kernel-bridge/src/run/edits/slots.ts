/** What a graph that takes edits can be fed. */
import type { Stack } from '../../base/protocol';

/** A kind of edit that a router takes, as the name of its input; or why its graph cannot take it. */
export type Slot = { input: string } | { refused: string };

/** What a router can be fed. */
export interface RouterSlots {
  /** [1 or tokens, experts] float, added to the logits. */
  bias: Slot;
  /** [1 or tokens, experts] float, multiplied into the final weights at the chosen experts. */
  scale: Slot;
  /** [1 or tokens, experts] int64: which expert runs in place of each. */
  map: Slot;
  /** [1 or tokens, k] int64, -1 for none: experts that are taken whatever was chosen; weighted by `forceWeights`. */
  force: Slot;
  /** [1 or tokens, k] float; of dense weights [1 or tokens, experts], added to them. */
  forceWeights?: string;
  /** [1] int64 */
  topK: Slot;
  /** The op computes softmax weights of logits itself: one expert is forced by taking all others' logits away. */
  forcedByLogits?: true;
}

/** What can be added to the residual stream after a block. */
export interface StreamSlot {
  layer: number;
  stack?: Stack;
  /** [1 or batch, 1 or tokens, width] float */
  residual: Slot;
  /** 0 where the graph does not say. */
  width: number;
  /** What the block's last part adds, with what the input adds to it. */
  branch: string;
}
