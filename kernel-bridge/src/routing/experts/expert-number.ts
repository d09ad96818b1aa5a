/** Finds which expert a group of nodes computes: the constant that selects its part of the choice. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import type { RoutedRegion } from './routed-region';
import type { WeightUse } from './weight-use';

const MAX_TENSORS = 60;

export function expertNumber(
  graph: Graph,
  region: RoutedRegion,
  nodes: readonly GraphNode[],
  uses: readonly WeightUse[],
  experts: number
): number | undefined {
  const slices = new Set(uses.flatMap(({ slice }) => slice ?? []));
  if (slices.size === 1) {
    return [...slices][0];
  }
  const own = new Set(nodes.map(({ index }) => index));
  // Upstream to the choice, from what the group reads and from what its output is combined with.
  const starts = nodes.flatMap(({ inputs, outputs }) => [
    ...inputs,
    ...outputs.flatMap(output =>
      graph
        .consumers(output)
        .filter(({ op }) => op !== 'Add' && op !== 'Sum')
        .flatMap(node => node.inputs)
    )
  ]);
  const isRouted = (tensor: string): boolean => region.routed.has(tensor);
  for (const {
    tensor,
    nodes: [node]
  } of walk(graph, starts.filter(isRouted), {
    direction: 'upstream',
    maxTensors: MAX_TENSORS,
    through: ({ index, inputs }) => !own.has(index) && inputs.filter(isRouted)
  })) {
    const number =
      node && !own.has(node.index)
        ? pickedBy(graph, node, tensor, experts)
        : undefined;
    if (number !== undefined) {
      return number;
    }
  }
  return undefined;
}

/** The expert whose part a node selects: by a constant index, a comparison or the number of its output. */
function pickedBy(
  graph: Graph,
  node: GraphNode,
  output: string,
  experts: number
): number | undefined {
  const scalar = (input: string | undefined): number | undefined =>
    input ? graph.constantScalar(input) : undefined;
  let number: number | undefined;
  switch (node.op) {
    case 'Gather':
      number = scalar(node.inputs[1]);
      break;
    case 'Equal':
      number = scalar(node.inputs[1]) ?? scalar(node.inputs[0]);
      break;
    case 'Slice':
      number =
        scalar(node.inputs[2]) === (scalar(node.inputs[1]) ?? NaN) + 1
          ? scalar(node.inputs[1])
          : undefined;
      break;
    case 'Split':
      number =
        node.outputs.length === experts
          ? node.outputs.indexOf(output)
          : undefined;
      break;
    default:
      return undefined;
  }
  return number !== undefined && number >= 0 && number < experts
    ? number
    : undefined;
}
