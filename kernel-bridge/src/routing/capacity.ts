/** Capacity: an expert takes the first tokens that chose it, counted by a cumulative sum, and drops the rest. */
import type { Graph } from '../graph/graph';
import { oneHotsOf, viewsOf } from './one-hot';

export interface Capacity {
  /** Tokens that an expert takes; undefined when it is computed from the number of tokens. */
  limit?: number;
  /** [..., experts], not zero where a chosen expert took the token. */
  kept: string;
}

const COUNT_STEPS = new Set(['Sub', 'Add', 'Mul', 'Cast', 'Identity']);
const COMPARISONS = new Set(['Less', 'LessOrEqual']);
const MAX_STEPS = 8;

/** Reads how a choice is cut to capacity; undefined when every token is kept. */
export function readCapacity(
  graph: Graph,
  indices: string
): Capacity | undefined {
  const oneHots = new Set(oneHotsOf(graph, indices));
  let frontier = [...oneHots].flatMap(tensor =>
    graph
      .consumers(tensor)
      .filter(({ op, inputs }) => op === 'CumSum' && inputs[0] === tensor)
      .map(({ outputs }) => outputs[0])
  );
  for (let step = 0; step < MAX_STEPS && frontier.length > 0; step++) {
    const next: string[] = [];
    for (const tensor of frontier) {
      for (const node of graph.consumers(tensor)) {
        if (COMPARISONS.has(node.op) && node.inputs[0] === tensor) {
          const kept = maskedBy(graph, node.outputs[0], oneHots);
          if (kept !== undefined) {
            const bound = graph.constantScalar(node.inputs[1]);
            // Counts start at one before `<=` and at zero before `<`.
            return { kept, ...(bound === undefined ? {} : { limit: bound }) };
          }
        } else if (COUNT_STEPS.has(node.op)) {
          next.push(node.outputs[0]);
        }
      }
    }
    frontier = next;
  }
  return undefined;
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
