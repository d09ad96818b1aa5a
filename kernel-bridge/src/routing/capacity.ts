/** Capacity: an expert takes the first tokens that chose it, counted by a cumulative sum, and drops the rest. */
import { attributeInt } from '../onnx/graph/attributes';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { keptOneHotsOf, viewsOf } from './one-hot';

export interface Capacity {
  /** Tokens that an expert takes; undefined when it is computed from the number of tokens. */
  limit?: number;
  /** [..., experts], not zero where a chosen expert took the token. */
  kept: string;
}

const COUNT_STEPS = new Set(['Sub', 'Add', 'Mul', 'Cast', 'Identity']);
const COMPARISONS = new Set(['Less', 'LessOrEqual']);
const MAX_STEPS = 8;

/** A count of the tokens that chose each expert, and what it counts the first of them as. */
interface Count {
  tensor: string;
  first: number;
}

/** Reads how a choice is cut to capacity; undefined when every token is kept. */
export function readCapacity(
  graph: Graph,
  indices: string
): Capacity | undefined {
  const { all: oneHots } = keptOneHotsOf(graph, indices);
  let frontier: Count[] = [...oneHots].flatMap(tensor =>
    graph
      .consumers(tensor)
      .filter(({ op, inputs }) => op === 'CumSum' && inputs[0] === tensor)
      .map(({ outputs, proto }) => ({
        tensor: outputs[0],
        first: attributeInt(proto, 'exclusive') === 1 ? 0 : 1
      }))
  );
  for (let step = 0; step < MAX_STEPS && frontier.length > 0; step++) {
    const next: Count[] = [];
    for (const { tensor, first } of frontier) {
      for (const node of graph.consumers(tensor)) {
        if (COMPARISONS.has(node.op) && node.inputs[0] === tensor) {
          const kept = maskedBy(graph, node.outputs[0], oneHots);
          if (kept !== undefined) {
            const bound = graph.constantScalar(node.inputs[1]);
            const last = node.op === 'Less' ? 1 : 0;
            return {
              kept,
              ...(bound === undefined
                ? {}
                : { limit: Math.ceil(bound) - last - first + 1 })
            };
          }
        } else if (COUNT_STEPS.has(node.op)) {
          const shift = constantOperand(graph, node, tensor);
          next.push({
            tensor: node.outputs[0],
            first:
              shift === undefined
                ? first
                : node.op === 'Sub'
                  ? first - shift
                  : node.op === 'Add'
                    ? first + shift
                    : first
          });
        }
      }
    }
    frontier = next;
  }
  return undefined;
}

function constantOperand(
  graph: Graph,
  { inputs }: GraphNode,
  tensor: string
): number | undefined {
  const other = inputs[0] === tensor ? inputs[1] : inputs[0];
  return other === undefined ? undefined : graph.constantScalar(other);
}

/** The one-hot choice with a mask multiplied in. */
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
