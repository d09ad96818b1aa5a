/** Top-1 by ArgMax, weighted by the largest score (Switch Transformers, arXiv 2101.03961), with or without capacity. */
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph } from '../../onnx/graph/graph';
import { sourceOf, viewsOf } from '../../onnx/graph/no-ops';
import { readCapacity } from '../capacity';
import { gatheredAt, nextPick } from '../picks';
import { lastDim } from '../router-input';
import { scoreBelow } from '../score-function';
import { readScores } from '../scores';
import { selector, type RouterPattern } from './pattern';

export const switchTop1: RouterPattern = {
  anchors: ['ArgMax'],
  match(graph, node) {
    const selection = readScores(graph, node.inputs[0]);
    const axis = attributeInt(node.proto, 'axis') ?? 0;
    const rank = graph.shape(node.inputs[0])?.length;
    if (
      !selection ||
      selection.isLog ||
      // A choice that is masked out for a next one is the first of several picks.
      nextPick(graph, node) ||
      !(axis === -1 || (rank !== undefined && axis === rank - 1)) ||
      lastDim(graph, node.inputs[0]) !== selection.experts
    ) {
      return undefined;
    }
    const scored = selection.score
      ? { score: selection.score, tensor: selection.scores }
      : scoreBelow(graph, selection.logits, selection.experts);
    const weights =
      scored && largestScore(graph, scored.tensor, node.outputs[0]);
    if (!scored || weights === undefined) {
      return undefined;
    }
    const capacity = readCapacity(graph, node.outputs[0]);
    return {
      experts: selection.experts,
      topK: 1,
      convention: {
        score: scored.score,
        scoreBeforeTopK: true,
        renormalized: false,
        ...(capacity?.limit === undefined ? {} : { capacity: capacity.limit })
      },
      pattern: `${scored.score} > arg-max${capacity ? ' > capacity' : ''}`,
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: [node.outputs[0]],
        weights: [weights],
        ...(capacity ? { kept: capacity.kept } : {})
      },
      selectors: [selector(node)]
    };
  }
};

/** The score of the chosen expert: the largest of all, or gathered at the choice. */
function largestScore(
  graph: Graph,
  scores: string,
  chosen: string
): string | undefined {
  for (const view of viewsOf(graph, scores)) {
    for (const node of graph.consumers(view)) {
      if (node.op === 'ReduceMax' && node.inputs[0] === view) {
        return node.outputs[0];
      }
    }
  }
  return gatheredAt(
    graph,
    chosen,
    tensor => sourceOf(graph, tensor).tensor === sourceOf(graph, scores).tensor
  )[0];
}
