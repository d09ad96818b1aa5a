/** Expert capacity: an expert accepts the first tokens that chose it, counted by a CumSum, and drops the others. */
import { attributeInt } from '../onnx/graph/attributes';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { handedOn, viewsOf } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { keptOneHotsOf } from './one-hot';

export interface Capacity {
  /** Tokens that an expert accepts; undefined when computed from the number of tokens. */
  limit?: number;
  /** [..., experts], nonzero where a chosen expert accepted the token. */
  kept: string;
}

const COUNT_STEPS = new Set(['Sub', 'Add', 'Mul']);
const COMPARISONS = new Set(['Less', 'LessOrEqual']);
const MAX_STEPS = 8;

/** Reads the capacity of the experts of a choice; undefined when no token is dropped. */
export function readCapacity(
  graph: Graph,
  indices: string
): Capacity | undefined {
  const { all: oneHots } = keptOneHotsOf(graph, indices);
  // The number that each count gives to an expert's first token: 0 or 1, and what is added to it later.
  const firsts = new Map(
    [...oneHots].flatMap(tensor =>
      graph
        .consumers(tensor)
        .filter(({ op, inputs }) => op === 'CumSum' && inputs[0] === tensor)
        .map(({ outputs, proto }): [string, number] => [
          outputs[0],
          attributeInt(proto, 'exclusive') === 1 ? 0 : 1
        ])
    )
  );
  for (const { tensor, nodes } of walk(graph, [...firsts.keys()], {
    direction: 'downstream',
    maxDepth: MAX_STEPS,
    through(node, from) {
      const [count] = node.outputs;
      if (!COUNT_STEPS.has(node.op)) {
        const views = handedOn(graph, node, from);
        views.forEach(view => firsts.set(view, firsts.get(from)!));
        return views;
      }
      if (!firsts.has(count)) {
        firsts.set(count, firsts.get(from)! + shiftOf(graph, node, from));
      }
      return [count];
    }
  })) {
    for (const node of nodes) {
      const kept =
        COMPARISONS.has(node.op) && node.inputs[0] === tensor
          ? maskedBy(graph, node.outputs[0], oneHots)
          : undefined;
      if (kept !== undefined) {
        const bound = graph.constantScalar(node.inputs[1]);
        const last = node.op === 'Less' ? 1 : 0;
        return {
          kept,
          ...(bound === undefined
            ? {}
            : { limit: Math.ceil(bound) - last - firsts.get(tensor)! + 1 })
        };
      }
    }
  }
  return undefined;
}

/** The constant that a node adds to `tensor`; 0 for a node that adds none. */
function shiftOf(
  graph: Graph,
  { op, inputs }: GraphNode,
  tensor: string
): number {
  const other = inputs[0] === tensor ? inputs[1] : inputs[0];
  const shift = other === undefined ? undefined : graph.constantScalar(other);
  return shift === undefined
    ? 0
    : op === 'Add'
      ? shift
      : op === 'Sub'
        ? -shift
        : 0;
}

/** The product of the one-hot choice and a mask. */
function maskedBy(
  graph: Graph,
  mask: string,
  oneHots: ReadonlySet<string>
): string | undefined {
  for (const view of viewsOf(graph, mask)) {
    const product = graph
      .consumers(view)
      .find(
        ({ op, inputs }) =>
          (op === 'Mul' || op === 'And') &&
          inputs.some(input => oneHots.has(input))
      );
    if (product) {
      return product.outputs[0];
    }
  }
  return undefined;
}
