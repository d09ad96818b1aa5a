/**
 * Routers that choose by TopK: softmax or sigmoid before or after the choice, a bias for choosing only, groups,
 * renormalised weights, a scaling factor (Mixtral, OLMoE, Qwen, GPT-OSS, DeepSeek and their kin).
 */
import type { Graph, GraphNode } from '../../graph/graph';
import type { Convention, RouterMatch } from '../convention';
import { readScores, type SelectionScores } from '../scores';
import { sourceOf } from '../router-input';
import { readWeights } from '../weights';
import type { RouterPattern } from './pattern';

export const topK: RouterPattern = {
  anchors: ['TopK'],
  match(graph, node) {
    const k = graph.constantScalar(node.inputs[1]);
    const selection = readScores(graph, node.inputs[0]);
    if (k === undefined || k < 1 || !selection || k > selection.experts) {
      return undefined;
    }
    const [values, indices] = node.outputs;
    const chain = readWeights(
      graph,
      chosenScores(graph, selection, indices) ?? values
    );
    const score = selection.score ?? chain.score;
    if (score === undefined || selection.experts < 2) {
      return undefined;
    }
    const convention: Convention = {
      score,
      scoreBeforeTopK: selection.score !== undefined,
      renormalized: chain.renormalized,
      ...(chain.epsilon === undefined ? {} : { epsilon: chain.epsilon }),
      ...(chain.scale === undefined ? {} : { scale: chain.scale }),
      ...(selection.selectionBias
        ? { selectionBias: selection.selectionBias }
        : {}),
      ...(selection.groups ? { groups: selection.groups } : {})
    };
    return {
      experts: selection.experts,
      topK: k,
      convention,
      pattern: describe(convention),
      tensors: {
        logits: selection.logits,
        logitsAre: 'logits',
        selected: [indices],
        weights: [chain.weights]
      },
      node: { index: node.index, name: node.name, op: node.op }
    } satisfies RouterMatch;
  }
};

/** Where the choice is biased, the weights are gathered from the unbiased scores at the chosen experts. */
function chosenScores(
  graph: Graph,
  selection: SelectionScores,
  indices: string
): string | undefined {
  const gather = reachable(graph, indices).find(
    node =>
      (node.op === 'GatherElements' || node.op === 'GatherND') &&
      sourceOf(graph, node.inputs[0]).tensor ===
        sourceOf(graph, selection.scores).tensor
  );
  return gather?.outputs[0];
}

const INDEX_VIEWS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Concat'
]);

function reachable(graph: Graph, tensor: string, depth = 4): GraphNode[] {
  const consumers = [...graph.consumers(tensor)];
  return depth === 0
    ? consumers
    : [
        ...consumers,
        ...consumers
          .filter(node => INDEX_VIEWS.has(node.op))
          .flatMap(node => reachable(graph, node.outputs[0], depth - 1))
      ];
}

function describe(convention: Convention): string {
  const { score, scoreBeforeTopK, selectionBias, groups, renormalized, scale } =
    convention;
  const choice = [
    selectionBias && 'bias for choice',
    groups && 'groups',
    'top-k'
  ];
  const steps = scoreBeforeTopK ? [score, ...choice] : [...choice, score];
  return [
    ...steps,
    renormalized && 'renormalise',
    scale !== undefined && 'scale'
  ]
    .filter(Boolean)
    .join(' > ');
}
