/** Where the residual stream can be read and added to: after each transformer block. */
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph } from '../../onnx/graph/graph';
import type { Stack } from '../../base/protocol';
import type { BlockJoin, Blocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { routerProduct } from '../../routing/router-input';
import { storedDims } from '../../routing/stored-weight';

/** The residual stream after a block: the last join of the block. */
export interface StreamPoint extends BlockJoin {
  layer: number;
  stack?: Stack;
}

/** One point a block, in graph order. */
export function streamPoints({ joins }: Blocks): StreamPoint[] {
  const last = new Map<string, StreamPoint>();
  for (const join of joins) {
    last.set(`${join.stack ?? ''} ${join.layer}`, join);
  }
  return [...last.values()];
}

/** Fused nodes that add and normalise, with the index of the optional output that holds the sum. */
const FUSED = new Map([
  ['com.microsoft.SkipLayerNormalization', 3],
  ['com.microsoft.SkipSimplifiedLayerNormalization', 3]
]);

/** The output of a join that is the sum; undefined where a fused node does not have it. */
export function sumOutput({ node }: BlockJoin): string | undefined {
  return node.outputs[FUSED.get(node.op) ?? 0] || undefined;
}

/** The input of a join that is the residual stream. */
export function streamOperand({ node, branch }: BlockJoin): string {
  return node.inputs.find((input, i) => i < 2 && input !== branch) ?? branch;
}

/** True for a join that also normalises the sum. */
export function isFusedJoin({ node }: BlockJoin): boolean {
  return FUSED.has(node.op);
}

/**
 * The hidden size: values a token in the residual stream, or in a router's input, which is as wide.
 * @returns undefined where neither is declared
 */
export function streamWidth(
  graph: Graph,
  points: readonly StreamPoint[],
  routers: readonly Router[]
): number | undefined {
  for (const { node } of points) {
    const width = graph.shape(node.outputs[0])?.at(-1);
    if (width !== undefined) {
      return width;
    }
  }
  for (const { tensors, experts } of routers) {
    const product = routerProduct(graph, tensors.logits);
    if (product?.domain === 'com.microsoft') {
      const width = attributeInt(product.proto, 'K');
      if (width !== undefined) {
        return width;
      }
    }
    for (const input of product?.inputs.slice(0, 2) ?? []) {
      const dims = storedDims(graph, input);
      if (dims?.length === 2 && dims.includes(experts)) {
        return dims[0] === experts ? dims[1] : dims[0];
      }
    }
  }
  return undefined;
}
