/** Attention of a loaded model, found in its graph after fused nodes are expanded to plain operators. */
import type { PreparedGraph } from '../../run/gradients/model-gradients';
import { Graph } from '../../onnx/graph/graph';
import type { FoundAttention } from './attention';
import { findAttention } from './find-attention';

const found = new WeakMap<PreparedGraph, FoundAttention>();

/**
 * Names are those of `prepared.interpolated.graph`; unfused tensors keep the names of the model's own graph.
 * @param prepared from `await gradientsOf(parts).prepare()`
 */
export function attentionOf(prepared: PreparedGraph): FoundAttention {
  let known = found.get(prepared);
  if (!known) {
    const { interpolated, facts, probes } = prepared;
    known = findAttention(new Graph(interpolated.graph), facts, probes);
    found.set(prepared, known);
  }
  return known;
}
