/** Matrix products of two tensors over one axis: how the axes of the operands map to those of the result. */
import { attributeText } from '../../onnx/graph/attributes';
import type { GraphNode } from '../../onnx/graph/graph';

/** Roles of the axes of both operands and the result. */
export interface Product {
  /** Per operand: index of the contracted axis. */
  contracted: readonly [number, number];
  /** Per operand and axis: the result's axis that it becomes; undefined for the contracted one. */
  becomes: readonly [Becomes, Becomes];
  /** Number of axes of the result. */
  rank: number;
}

type Becomes = readonly (number | undefined)[];

/**
 * @param ranks of the two operands
 * @returns undefined for a form that is not a plain product over one axis
 */
export function readProduct(
  node: GraphNode,
  ranks: readonly [number, number]
): Product | undefined {
  switch (node.op) {
    case 'MatMul':
      return matrixProduct(ranks);
    case 'Einsum':
      return einsum(attributeText(node.proto, 'equation') ?? '', ranks);
    default:
      return undefined;
  }
}

function matrixProduct(ranks: readonly [number, number]): Product | undefined {
  if (ranks.some(rank => rank < 2)) {
    return undefined;
  }
  const rank = Math.max(...ranks);
  const contracted = [ranks[0] - 1, ranks[1] - 2] as const;
  const becomes = ranks.map((own, i) =>
    Array.from({ length: own }, (_, axis) =>
      axis === contracted[i]
        ? undefined
        : axis >= own - 2
          ? rank - 2 + i
          : axis + rank - own
    )
  ) as unknown as [Becomes, Becomes];
  return { contracted, becomes, rank };
}

function einsum(
  equation: string,
  ranks: readonly [number, number]
): Product | undefined {
  const [operands, result] = equation.replace(/\s/g, '').split('->');
  const labels = operands.split(',').map(side => [...side]);
  if (
    result === undefined ||
    labels.length !== 2 ||
    labels.some(
      (own, i) => own.length !== ranks[i] || new Set(own).size !== own.length
    ) ||
    !/^[a-zA-Z]*$/.test(result)
  ) {
    return undefined;
  }
  const summed = labels[0].filter(
    label => labels[1].includes(label) && !result.includes(label)
  );
  const dropped = labels
    .flat()
    .some(label => !result.includes(label) && !summed.includes(label));
  if (summed.length !== 1 || dropped) {
    return undefined;
  }
  return {
    contracted: [labels[0].indexOf(summed[0]), labels[1].indexOf(summed[0])],
    becomes: labels.map(own =>
      own.map(label =>
        label === summed[0] ? undefined : result.indexOf(label)
      )
    ) as unknown as [Becomes, Becomes],
    rank: result.length
  };
}
