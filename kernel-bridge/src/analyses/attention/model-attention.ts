/** Attention of a loaded model, found in its graph in plain operators, where fused nodes are written out. */
import type { PreparedGraph } from '../../run/gradients/model-gradients';
import { Graph } from '../../onnx/graph/graph';
import type { FoundAttention } from './attention';
import { findAttention } from './find-attention';

const found = new WeakMap<PreparedGraph, FoundAttention>();

/**
 * Names are those of `prepared.interpolated.graph`; tensors that were not fused have the same in the model's own graph.
 * @param prepared of a model's gradients: `await gradientsOf(parts).prepare()`
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
