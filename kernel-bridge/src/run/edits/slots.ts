/** Edit inputs of a graph. */
import type { Stack } from '../../base/protocol';

/** Name of the input for a kind of edit; or why the graph does not support it. */
export type Slot = { input: string } | { refused: string };

/** Edit inputs of a router. */
export interface RouterSlots {
  /** [1 or tokens, experts] float, added to the logits. */
  bias: Slot;
  /** [1 or tokens, experts] float, added to what experts are selected by, and to no weight. */
  selectionBias: Slot;
  /** [1 or tokens, experts] bool: experts that cannot be selected. */
  mask: Slot;
  /** [1 or tokens, experts] float, multiplied with the final weights of the selected experts. */
  scale: Slot;
  /** [1 or tokens, experts] int64: the expert that runs in place of each. */
  map: Slot;
  /** [1 or tokens, k] int64, -1 for none: experts that replace the selection, weighted by `forceWeights`. */
  force: Slot;
  /** [1 or tokens, k] float; for dense weights [1 or tokens, experts], added to them. */
  forceWeights?: string;
  /** [1] int64 */
  topK: Slot;
  /** The operator computes softmax weights from logits itself: an expert is forced by masking all other logits. */
  forcedByLogits?: true;
}

/** Input for additions to the residual stream after a block. */
export interface StreamSlot {
  layer: number;
  stack?: Stack;
  /** [1 or batch, 1 or tokens, width] float */
  residual: Slot;
  /** 0 if the graph does not declare it. */
  width: number;
  /** Output of the block's last branch, including the addition. */
  branch: string;
}
