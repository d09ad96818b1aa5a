/** Top-1 by ArgMax, weighted by the largest score (Switch Transformers, arXiv 2101.03961), with or without capacity. */
import { attributeInt } from '../../graph/attributes';
import type { Graph } from '../../graph/graph';
import { readCapacity } from '../capacity';
import { viewsOf } from '../one-hot';
import { lastDim, sourceOf } from '../router-input';
import { readScores } from '../scores';
import { selector, type RouterPattern } from './pattern';

export const switchTop1: RouterPattern = {
  anchors: ['ArgMax'],
  match(graph, node) {
    const selection = readScores(graph, node.inputs[0]);
    const axis = attributeInt(node.proto, 'axis') ?? 0;
    const rank = graph.shape(node.inputs[0])?.length;
    if (
      selection?.score === undefined ||
      !(axis === -1 || (rank !== undefined && axis === rank - 1)) ||
      lastDim(graph, node.inputs[0]) !== selection.experts
    ) {
      return undefined;
    }
    const weights = largestScore(graph, selection.scores, node.outputs[0]);
    if (weights === undefined) {
      return undefined;
    }
    const capacity = readCapacity(graph, node.outputs[0]);
    return {
      experts: selection.experts,
      topK: 1,
      convention: {
        score: selection.score,
        scoreBeforeTopK: true,
        renormalized: false,
        ...(capacity?.limit === undefined ? {} : { capacity: capacity.limit })
      },
      pattern: `${selection.score} > arg-max${capacity ? ' > capacity' : ''}`,
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
  for (const view of viewsOf(graph, chosen)) {
    for (const { op, inputs, outputs } of graph.consumers(view)) {
      if (
        op === 'GatherElements' &&
        inputs[1] === view &&
        sourceOf(graph, inputs[0]).tensor === sourceOf(graph, scores).tensor
      ) {
        return outputs[0];
      }
    }
  }
  return undefined;
}
