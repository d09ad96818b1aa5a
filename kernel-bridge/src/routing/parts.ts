/** Parts of a tensor's last axis: of logits over routed and shared experts, and of the weights that come of them. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInt, attributeInts } from '../onnx/graph/attributes';

/** Places from `from` up to, but not including, `to`. */
export interface Part {
  tensor: string;
  from: number;
  to: number;
}

/**
 * The parts that a Slice or a Split takes of its input's last axis.
 * @param width of that axis
 * @returns undefined when it takes others, or what it takes is not constant
 */
export function partsOf(
  graph: Graph,
  node: GraphNode,
  width: number
): Part[] | undefined {
  return node.op === 'Slice'
    ? slicePart(graph, node, width)
    : node.op === 'Split'
      ? splitParts(graph, node, width)
      : undefined;
}

function slicePart(
  graph: Graph,
  { proto, inputs, outputs }: GraphNode,
  width: number
): Part[] | undefined {
  const [tensor, ...given] = inputs;
  const values = (index: number, name: string): number[] | undefined =>
    given[index]
      ? graph.constantValues(given[index])
      : attributeInts(proto, name);
  const [starts, ends, axes] = ['starts', 'ends', 'axes'].map((name, i) =>
    values(i, name)
  );
  const steps = given[3] ? graph.constantValues(given[3]) : [1];
  if (
    starts?.length !== 1 ||
    ends?.length !== 1 ||
    axes?.length !== 1 ||
    steps?.[0] !== 1 ||
    !isLastAxis(graph, tensor, outputs[0], axes[0])
  ) {
    return undefined;
  }
  const place = (value: number): number =>
    Math.min(width, Math.max(0, value < 0 ? value + width : value));
  const [from, to] = [place(starts[0]), place(ends[0])];
  return from < to ? [{ tensor: outputs[0], from, to }] : undefined;
}

function splitParts(
  graph: Graph,
  { proto, inputs, outputs }: GraphNode,
  width: number
): Part[] | undefined {
  const sizes =
    (inputs[1]
      ? graph.constantValues(inputs[1])
      : attributeInts(proto, 'split')) ??
    outputs.map(() => width / outputs.length);
  if (
    sizes.reduce((sum, size) => sum + size, 0) !== width ||
    !isLastAxis(graph, inputs[0], outputs[0], attributeInt(proto, 'axis') ?? 0)
  ) {
    return undefined;
  }
  let from = 0;
  return outputs.map((tensor, i) => {
    const part = { tensor, from, to: from + sizes[i] };
    from = part.to;
    return part;
  });
}

/** @param same a tensor of the same rank, whose shape may be declared instead */
export function isLastAxis(
  graph: Graph,
  tensor: string,
  same: string,
  axis: number
): boolean {
  const rank = (graph.shape(tensor) ?? graph.shape(same))?.length;
  return axis === -1 || (rank === undefined ? axis > 0 : axis === rank - 1);
}
