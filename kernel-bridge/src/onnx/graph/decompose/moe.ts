/** Decomposes com.microsoft.MoE and QMoE into the choice of experts and the experts. */
import { attributeInt } from '../attributes';
import type { Graph, GraphNode } from '../graph';
import {
  cannotDecompose,
  type Decomposition,
  type DecompositionContext
} from './decomposition';
import { dequantizedRows } from './dequantize';
import { chooseByLogit, chooseByProbability } from './expert-choice';
import {
  expertSizes,
  fc3Of,
  writeExperts,
  type ExpertProduct
} from './experts';
import { type ExpertChoice } from './decomposition';

/** @returns the tensors of the expert choice, which edits of the decomposed graph change */
export function decomposeMoE(
  node: GraphNode,
  context: DecompositionContext
): ExpertChoice {
  return node.op === 'com.microsoft.QMoE'
    ? decomposeQuantized(node, context)
    : decomposeFloat(node, context);
}

export const moe: Decomposition = {
  ops: ['com.microsoft.MoE', 'com.microsoft.QMoE'],
  write: decomposeMoE
};

function decomposeFloat(
  node: GraphNode,
  context: DecompositionContext
): ExpertChoice {
  const [, , fc1, bias1, fc2, bias2, fc3, bias3] = node.inputs;
  const sizes = expertSizes(context.graph, node, { fc1, fc2, packed: 1 });
  const choice = chooseByProbability(context, node, sizes.experts);
  writeExperts(
    context,
    node,
    {
      ...sizes,
      fc1: expertProduct(fc1, bias1),
      fc2: expertProduct(fc2, bias2),
      ...(fc3 ? { fc3: expertProduct(fc3, bias3) } : {})
    },
    choice
  );
  return choice;
}

function decomposeQuantized(
  node: GraphNode,
  context: DecompositionContext
): ExpertChoice {
  const { graph } = context;
  const bits = attributeInt(node.proto, 'expert_weight_bits') ?? 4;
  if (bits !== 4 && bits !== 8) {
    throw cannotDecompose(graph, node, `its weights have ${bits} bits`);
  }
  const packed = 8 / bits;
  const [fc1, fc2] = [node.inputs[2], node.inputs[5]];
  const sizes = expertSizes(graph, node, { fc1, fc2, packed });
  const choice = chooseByLogit(context, node, sizes.experts);
  const product = (weights: number, zeroPoints: number): ExpertProduct => {
    const name = node.inputs[weights];
    const dims = storedDims(graph, node, name);
    const columns = weights === 5 ? sizes.intermediate : sizes.hidden;
    return expertProduct(
      dequantizedRows(node, context, {
        weights: name,
        scales: node.inputs[weights + 1],
        zeroPoints: node.inputs[zeroPoints],
        rows: (dims[0] * dims[1] * dims[2] * packed) / columns,
        columns,
        bits
      }),
      node.inputs[weights + 2]
    );
  };
  writeExperts(
    context,
    node,
    {
      ...sizes,
      fc1: product(2, 11),
      fc2: product(5, 12),
      ...(node.inputs[fc3Of(node)] ? { fc3: product(8, 13) } : {})
    },
    choice
  );
  return choice;
}

function expertProduct(
  weights: string,
  bias: string | undefined
): ExpertProduct {
  return { weights, ...(bias ? { bias } : {}) };
}

function storedDims(graph: Graph, node: GraphNode, tensor: string): number[] {
  const dims = graph.weightOf(tensor)?.dims;
  if (!dims) {
    throw cannotDecompose(graph, node, `its weights ${tensor} are not stored`);
  }
  return dims;
}
