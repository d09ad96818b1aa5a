/** Top-1 by ArgMax, weighted by the largest score (Switch Transformers, arXiv 2101.03961), with or without capacity. */
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph } from '../../onnx/graph/graph';
import { sameSource, viewsOf } from '../../onnx/graph/no-ops';
import { readCapacity } from '../capacity';
import { gatheredAt, nextPick } from '../picks';
import { lastDim } from '../router-input';
import { scoreBelow } from '../score-function';
import { readScores } from '../scores';
import { selector, type RouterPattern } from './pattern';

export const switchTop1: RouterPattern = {
  anchors: ['ArgMax', 'ArgMin'],
  match(graph, node) {
    const selection = readScores(graph, node.inputs[0], node.op === 'ArgMin');
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
    const { selectionBias, groups, experts, logits, logitsAre } = selection;
    const scored = selection.score
      ? { score: selection.score, tensor: selection.scores }
      : scoreBelow(graph, logits, experts);
    const weights =
      scored &&
      chosenScore(
        graph,
        scored.tensor,
        node.outputs[0],
        // With a bias, the largest score may be that of another expert.
        (selectionBias ?? groups) === undefined
      );
    if (!scored || weights === undefined) {
      return undefined;
    }
    const capacity = readCapacity(graph, node.outputs[0]);
    return {
      experts,
      topK: 1,
      convention: {
        score: scored.score,
        scoreBeforeTopK: true,
        renormalized: false,
        ...(selectionBias ? { selectionBias } : {}),
        ...(groups ? { groups } : {}),
        ...(attributeInt(node.proto, 'select_last_index') === 1
          ? { tiesToLast: true }
          : {}),
        ...(capacity?.limit === undefined ? {} : { capacity: capacity.limit })
      },
      pattern: [
        scored.score,
        selectionBias && 'bias for choice',
        groups && 'groups',
        'arg-max',
        capacity && 'capacity'
      ]
        .filter(Boolean)
        .join(' > '),
      tensors: {
        logits,
        logitsAre,
        selected: [node.outputs[0]],
        weights: [weights],
        ...(capacity ? { kept: capacity.kept } : {})
      },
      selectors: [selector(node)]
    };
  }
};

/**
 * The score of the chosen expert: gathered at the choice, or the largest of all.
 * @param largest whether it may be the largest
 */
function chosenScore(
  graph: Graph,
  scores: string,
  chosen: string,
  largest: boolean
): string | undefined {
  const best = viewsOf(graph, scores)
    .flatMap(view => graph.consumers(view))
    .find(({ op }) => op === 'ReduceMax')?.outputs[0];
  return largest && best !== undefined
    ? best
    : gatheredAt(graph, chosen, tensor => sameSource(graph, tensor, scores))[0];
}
