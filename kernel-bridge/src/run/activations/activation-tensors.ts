/** Tensors of a graph that hold its activations: the residual stream, and inputs and outputs of MoE layers. */
import type { Graph } from '../../onnx/graph/graph';
import type { Stack } from '../../base/protocol';
import { firstJoin, type Blocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { productInput, routerProduct } from '../../routing/router-input';
import { streamOperand, streamPoints, sumOutput } from './stream-points';

/** A tensor, or two tensors to add, where a fused node does not output the sum. */
export type TensorOrSum = string | readonly [string, string];

export interface ActivationTensors {
  /** The residual stream after each block. */
  residual: { layer: number; stack?: Stack; tensor: TensorOrSum }[];
  /** One entry a router; a tensor that the graph does not expose is undefined. */
  routers: {
    /** The router's input. */
    input?: string;
    /** What the MoE layer adds to the stream: weighted experts and shared experts. */
    output?: string;
  }[];
}

/** @param branches tensors that an edit puts in place of those that each block's last part adds. Default none. */
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

/** The output of a fused op; otherwise the branch of the first join after the choice. */
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
