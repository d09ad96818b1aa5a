/** Tensors of a graph that hold what flows through its blocks: the residual stream, and what experts read and add. */
import type { Graph } from '../../onnx/graph/graph';
import type { Stack } from '../../base/protocol';
import { firstJoin, type Blocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { productInput, routerProduct } from '../../routing/router-input';
import { streamOperand, streamPoints, sumOutput } from './stream-points';

/** A tensor, or two whose sum it is where a fused node keeps the sum to itself. */
export type TensorOrSum = string | readonly [string, string];

export interface ActivationTensors {
  /** The residual stream as each block leaves it. */
  residual: { layer: number; stack?: Stack; tensor: TensorOrSum }[];
  /** One a router; undefined where the graph does not show it. */
  routers: {
    /** What the router reads. */
    input?: string;
    /** What its block adds to the stream: experts, weighted, and those beside them. */
    output?: string;
  }[];
}

/** @param branches what each block's last part adds, where an edit has put another tensor in its place */
export function activationTensors(
  graph: Graph,
  routers: readonly Router[],
  blocks: Blocks,
  branches: readonly string[] = []
): ActivationTensors {
  return {
    residual: streamPoints(blocks).map((point, i) => ({
      layer: point.layer,
      ...(point.stack ? { stack: point.stack } : {}),
      tensor: sumOutput(point) ?? [
        streamOperand(point),
        branches[i] ?? point.branch
      ]
    })),
    routers: routers.map(router => {
      const product = routerProduct(graph, router.tensors.logits);
      const output = outputOf(graph, router, blocks);
      return {
        ...(product ? { input: productInput(graph, product) } : {}),
        ...(output === undefined ? {} : { output })
      };
    })
  };
}

/** Of a fused op what it makes; otherwise what the first join after the choice adds. */
function outputOf(
  graph: Graph,
  { selectors, tensors }: Router,
  blocks: Blocks
): string | undefined {
  const [first] = selectors;
  if (tensors.selected === null) {
    return graph.nodes[first.index].outputs[0];
  }
  return firstJoin(graph, blocks, graph.nodes[first.index].outputs)?.branch;
}
