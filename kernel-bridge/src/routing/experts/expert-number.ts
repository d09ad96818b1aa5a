/** Which expert a group of nodes computes: the constant by which its part of the choice is picked out. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { RoutedRegion } from './routed-region';
import type { WeightUse } from './weight-use';

const MAX_NODES = 60;

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
  const seen = new Set<number>();
  // From what the group reads, and from what its result is combined with, upwards to the choice.
  const frontier = nodes.flatMap(({ inputs, outputs }) => [
    ...inputs,
    ...outputs.flatMap(output =>
      graph
        .consumers(output)
        .filter(({ op }) => op !== 'Add' && op !== 'Sum')
        .flatMap(node => node.inputs)
    )
  ]);
  for (let i = 0; i < frontier.length && seen.size < MAX_NODES; i++) {
    const node = graph.producer(frontier[i]);
    if (!node || own.has(node.index) || seen.has(node.index)) {
      continue;
    }
    seen.add(node.index);
    if (!region.routed.has(frontier[i])) {
      continue;
    }
    const number = pickedBy(graph, node, frontier[i], experts);
    if (number !== undefined) {
      return number;
    }
    frontier.push(...node.inputs.filter(input => region.routed.has(input)));
  }
  return undefined;
}

/** The constant index, comparison or output number by which a node takes one expert's part. */
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
