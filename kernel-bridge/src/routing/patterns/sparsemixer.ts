/**
 * SparseMixer's inference rule (arXiv 2310.00811; Phi-3.5-MoE): each pick is an ArgMax, weighted by a softmax over its
 * near-ties, and masked out of the scores before the next.
 */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { sourceOf, viewsOf } from '../../onnx/graph/no-ops';
import { nextPick } from '../picks';
import { readScores } from '../scores';
import { selector, type RouterPattern } from './pattern';

const MAX_PICKS = 8;

export const sparsemixer: RouterPattern = {
  anchors: ['ArgMax'],
  match(graph, node) {
    const selection = readScores(graph, node.inputs[0]);
    if (!selection || selection.score !== undefined) {
      return undefined;
    }
    const picks: Pick[] = [];
    for (
      let next: GraphNode | undefined = node;
      next && picks.length < MAX_PICKS;
      next = nextPick(graph, next)
    ) {
      const pick = readPick(graph, next);
      if (!pick) {
        break;
      }
      picks.push(pick);
    }
    if (picks.length === 0) {
      return undefined;
    }
    return {
      experts: selection.experts,
      topK: picks.length,
      convention: {
        score: 'softmax',
        scoreBeforeTopK: false,
        renormalized: false,
        sparsemixer: { threshold: picks[0].threshold }
      },
      pattern: `sparsemixer, ${picks.length} ${picks.length === 1 ? 'pick' : 'picks'}`,
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: picks.map(pick => pick.node.outputs[0]),
        weights: picks.map(pick => pick.weight)
      },
      selectors: picks.map(pick => selector(pick.node))
    };
  }
};

interface Pick {
  node: GraphNode;
  weight: string;
  threshold: number;
}

/** Reads a softmax over scores within the threshold of the largest, gathered at the choice. */
function readPick(graph: Graph, node: GraphNode): Pick | undefined {
  for (const view of viewsOf(graph, node.outputs[0])) {
    for (const gather of graph.consumers(view)) {
      if (gather.op !== 'GatherElements' || gather.inputs[1] !== view) {
        continue;
      }
      const softmax = sourceOf(graph, gather.inputs[0]).node;
      const masked = softmax && sourceOf(graph, softmax.inputs[0]).node;
      const mask = masked && sourceOf(graph, masked.inputs[0]).node;
      if (
        softmax?.op === 'Softmax' &&
        masked?.op === 'Where' &&
        (mask?.op === 'Greater' || mask?.op === 'GreaterOrEqual')
      ) {
        const threshold = graph.constantScalar(mask.inputs[1]);
        if (threshold !== undefined) {
          return { node, weight: gather.outputs[0], threshold };
        }
      }
    }
  }
  return undefined;
}
