/**
 * Takes logits apart before they are scored. A router over routed and shared experts may score all logits and take those
 * of the routed ones after it: sigmoid(x)[:n] is sigmoid(x[:n]), and only in the second form the graph has a tensor of
 * the routed experts' logits, which everything that reads or edits a router needs.
 */
import type { GraphProto, NodeProto } from '../onnx/file/schema';
import { Graph, type GraphNode } from '../onnx/graph/graph';
import { handedOn } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { partsOf, type Part } from './parts';
import { lastDim, routerProduct } from './router-input';

const PREFIX = 'moe_debugger/part/';
/** Between scores and their choice: a bias, groups, no-ops. */
const MAX_STEPS = 8;
const CHOICE_STEPS = new Set(['Add', 'Sub', 'Where', 'Mul', 'Neg']);

/** @returns the same graph where it has no such scores */
export function partsApart(graph: GraphProto, file?: string): GraphProto {
  const scores = new Set(
    graph.node
      .filter(({ opType }) => opType === 'Sigmoid')
      .map(({ output }) => output[0])
  );
  const takes = ({ opType, input }: NodeProto): boolean =>
    (opType === 'Slice' || opType === 'Split') && scores.has(input[0]);
  if (!graph.node.some(takes)) {
    return graph;
  }
  const whole = new Graph(graph, file);
  const instead = new Map<NodeProto, NodeProto[]>();
  for (const score of whole.nodes) {
    if (score.op === 'Sigmoid') {
      apart(whole, score).forEach((nodes, taker) => instead.set(taker, nodes));
    }
  }
  if (instead.size === 0) {
    return graph;
  }
  const changed: GraphProto = {
    ...graph,
    node: graph.node.flatMap(node => instead.get(node) ?? [node])
  };
  // The parts of logits may be made after the parts of scores were.
  return {
    ...changed,
    node: new Graph(changed, file).nodes.map(({ proto }) => proto)
  };
}

/** By node that takes parts of a score: the nodes that compute the same from parts of the logits. */
function apart(graph: Graph, score: GraphNode): Map<NodeProto, NodeProto[]> {
  const [logits] = score.inputs;
  const [scores] = score.outputs;
  const width = lastDim(graph, logits) ?? lastDim(graph, scores);
  if (width === undefined) {
    return new Map();
  }
  const takers = graph
    .consumers(scores)
    .map(node => ({ node, parts: partsOf(graph, node, width) ?? [] }))
    .filter(({ parts }) => parts.length > 0);
  if (
    !takers.some(({ parts }) =>
      parts.some(({ tensor }) => isChosenFrom(graph, tensor))
    ) ||
    !routerProduct(graph, logits)
  ) {
    return new Map();
  }
  const known = graph
    .consumers(logits)
    .flatMap(node => partsOf(graph, node, width) ?? []);
  return new Map(
    takers.map(({ node, parts }) => [
      node.proto,
      withParts(node, score, parts, known)
    ])
  );
}

function withParts(
  taker: GraphNode,
  score: GraphNode,
  parts: readonly Part[],
  known: readonly Part[]
): NodeProto[] {
  const [logits] = score.inputs;
  const own = parts.map(({ from, to }) =>
    known.find(part => part.from === from && part.to === to)
  );
  const names = parts.map(({ tensor }, i) => own[i]?.tensor ?? PREFIX + tensor);
  const taking: NodeProto = {
    ...taker.proto,
    name: PREFIX + taker.outputs[0],
    input: [logits, ...taker.proto.input.slice(1)],
    output: parts.map(({ tensor }) => PREFIX + tensor)
  };
  return [
    ...(own.every(Boolean) ? [] : [taking]),
    ...parts.map(({ tensor }, i) => ({
      ...score.proto,
      name: `${PREFIX}score/${tensor}`,
      input: [names[i]],
      output: [tensor]
    }))
  ];
}

function isChosenFrom(graph: Graph, scores: string): boolean {
  for (const { nodes } of walk(graph, [scores], {
    direction: 'downstream',
    maxDepth: MAX_STEPS,
    through: (node, from) =>
      CHOICE_STEPS.has(node.op) || handedOn(graph, node, from)
  })) {
    if (nodes.some(({ op }) => op === 'TopK')) {
      return true;
    }
  }
  return false;
}
