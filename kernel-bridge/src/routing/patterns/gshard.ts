/**
 * Top-2 by two ArgMax, the second with the first choice masked out, and one-hot dispatch under a capacity (GShard,
 * arXiv 2006.16668; NLLB-MoE).
 */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { viewsOf } from '../../onnx/graph/no-ops';
import { readCapacity } from '../capacity';
import type { Convention } from '../convention';
import { keptOneHotsOf } from '../one-hot';
import { nextPick } from '../picks';
import { readScores, type SelectionScores } from '../scores';
import { selector, type RouterPattern } from './pattern';

export const gshardTop2: RouterPattern = {
  anchors: ['ArgMax'],
  match(graph, node) {
    const selection = readScores(graph, node.inputs[0]);
    if (!selection || selection.isLog) {
      return undefined;
    }
    const first = node.outputs[0];
    const scores =
      selection.score === undefined
        ? softmaxOf(graph, selection.logits)
        : selection.scores;
    const second = nextPick(graph, node);
    if (scores === undefined || !second || nextPick(graph, second)) {
      return undefined;
    }
    const gates = [first, second.outputs[0]].map(choice =>
      gateOf(graph, scores, choice)
    );
    const [one, two] = gates;
    if (one === undefined || two === undefined) {
      return undefined;
    }
    const [a, b] = [finalGate(graph, one.tensor), finalGate(graph, two.tensor)];
    const capacity = readCapacity(graph, first);
    const convention: Convention = {
      score: selection.score ?? 'softmax',
      scoreBeforeTopK: true,
      renormalized: a.renormalized,
      ...(a.renormalized && one.kept ? { renormalizedKept: true } : {}),
      ...(capacity?.limit === undefined ? {} : { capacity: capacity.limit })
    };
    return {
      experts: selection.experts,
      topK: 2,
      convention,
      pattern: describe(selection, convention, capacity !== undefined),
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: [first, second.outputs[0]],
        weights: [a.tensor, b.tensor]
      },
      selectors: [selector(node), selector(second)]
    };
  }
};

function softmaxOf(graph: Graph, logits: string): string | undefined {
  return viewsOf(graph, logits)
    .flatMap(view => graph.consumers(view))
    .find(({ op }) => op === 'Softmax')?.outputs[0];
}

interface Gate {
  /** The score of the choice, one a token. */
  tensor: string;
  /** The tensor is zero where the choice was dropped over capacity. */
  kept: boolean;
}

/** The score of a choice: scores times its one-hot form, summed over experts. */
function gateOf(
  graph: Graph,
  scores: string,
  choice: string
): Gate | undefined {
  const views = viewsOf(graph, scores);
  const { all, kept } = keptOneHotsOf(graph, choice, new Set(views));
  for (const view of views) {
    for (const { op, inputs, outputs } of graph.consumers(view)) {
      if (op === 'Mul' && inputs.some(input => all.has(input))) {
        const byKept = inputs.some(input => kept.has(input));
        const sum = graph
          .consumers(outputs[0])
          .find(node => node.op === 'ReduceSum');
        if (sum) {
          return { tensor: sum.outputs[0], kept: byKept };
        }
      }
    }
  }
  return undefined;
}

/** Follows a gate through the division by the sum of both and the product with the capacity mask. */
function finalGate(
  graph: Graph,
  gate: string
): { tensor: string; renormalized: boolean } {
  let tensor = gate;
  let renormalized = false;
  for (;;) {
    const next = graph
      .consumers(tensor)
      .find(
        node =>
          (node.op === 'Div' && node.inputs[0] === tensor) ||
          (node.op === 'Mul' && isKept(graph, node, tensor))
      );
    if (!next) {
      return { tensor, renormalized };
    }
    renormalized ||= next.op === 'Div';
    tensor = next.outputs[0];
  }
}

/** True when the other factor is a sum over experts: 1 where an expert accepted the token, 0 where all dropped it. */
function isKept(graph: Graph, node: GraphNode, tensor: string): boolean {
  const other = node.inputs[0] === tensor ? node.inputs[1] : node.inputs[0];
  return graph.producer(other)?.op === 'ReduceSum';
}

function describe(
  { score }: SelectionScores,
  { renormalized }: Convention,
  capacity: boolean
): string {
  return [
    score ?? 'softmax',
    'arg-max twice',
    renormalized && 'renormalise',
    capacity && 'capacity'
  ]
    .filter(Boolean)
    .join(' > ');
}
