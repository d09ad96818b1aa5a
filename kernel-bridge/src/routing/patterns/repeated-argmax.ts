/** Top-k by k ArgMax nodes, each with earlier choices masked out, weighted by the scores of the chosen. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { sourceOf, viewsOf } from '../../onnx/graph/no-ops';
import { gatheredAt, nextPick } from '../picks';
import { readScores } from '../scores';
import { readWeights, weightingOf } from '../weights';
import { selector, type RouterPattern } from './pattern';

const MAX_PICKS = 64;

export const repeatedArgMax: RouterPattern = {
  anchors: ['ArgMax'],
  match(graph, node) {
    const selection = readScores(graph, node.inputs[0]);
    if (selection?.score === undefined || selection.isLog) {
      return undefined;
    }
    const picks: GraphNode[] = [];
    for (
      let next: GraphNode | undefined = node;
      next && picks.length < MAX_PICKS;
      next = nextPick(graph, next)
    ) {
      picks.push(next);
    }
    const scores = sourceOf(graph, selection.scores).tensor;
    const gates = picks.map(pick =>
      gatheredAt(
        graph,
        pick.outputs[0],
        tensor => sourceOf(graph, tensor).tensor === scores
      )
    );
    if (picks.length < 2) {
      return undefined;
    }
    const joined = concatOf(graph, gates);
    if (joined === undefined) {
      return undefined;
    }
    const chain = readWeights(graph, joined, { scored: true });
    if (chain.changedBy) {
      return undefined;
    }
    return {
      experts: selection.experts,
      topK: picks.length,
      convention: {
        score: selection.score,
        scoreBeforeTopK: true,
        ...weightingOf(chain)
      },
      pattern: `${selection.score} > arg-max ${picks.length} times${chain.renormalized ? ' > renormalise' : ''}${chain.scale === undefined ? '' : ' > scale'}`,
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: picks.map(pick => pick.outputs[0]),
        weights: [chain.weights]
      },
      selectors: picks.map(selector)
    };
  }
};

/** The Concat of one score of each pick, in the order of the picks. */
function concatOf(graph: Graph, gates: string[][]): string | undefined {
  const views = gates.map(
    own => new Set(own.flatMap(gate => viewsOf(graph, gate)))
  );
  for (const view of views[0]) {
    for (const { op, inputs, outputs } of graph.consumers(view)) {
      if (
        op === 'Concat' &&
        inputs.length === gates.length &&
        inputs.every((input, i) => views[i].has(input))
      ) {
        return outputs[0];
      }
    }
  }
  return undefined;
}
