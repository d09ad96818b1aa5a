/**
 * Routers that choose by TopK: softmax or sigmoid before or after the choice, a bias for choosing only, groups,
 * renormalised weights, a scaling factor (Mixtral, OLMoE, Qwen, GPT-OSS, DeepSeek and their kin).
 */
import type { Graph, GraphNode } from '../../graph/graph';
import type { Convention, RouterMatch } from '../convention';
import { readScores, type SelectionScores } from '../scores';
import { lastDim, sourceOf } from '../router-input';
import { readWeights } from '../weights';
import { selector, type RouterPattern } from './pattern';

export const topK: RouterPattern = {
  anchors: ['TopK'],
  match(graph, node) {
    const k = graph.constantScalar(node.inputs[1]);
    const selection = readScores(graph, node.inputs[0]);
    // A choice within groups, or of groups, is part of a router and not one of its own.
    const width = lastDim(graph, node.inputs[0]);
    if (
      k === undefined ||
      k < 1 ||
      !selection ||
      k > selection.experts ||
      (width !== undefined && width !== selection.experts)
    ) {
      return undefined;
    }
    const [values, indices] = node.outputs;
    const chosen = chosenScores(graph, selection, indices) ?? values;
    const scattered = scatteredOver(graph, chosen);
    const perSlot = readWeights(graph, chosen, indices);
    // Scored after they were spread over all experts: the graph holds a weight for each expert, chosen or not.
    const dense =
      selection.score === undefined &&
      perSlot.score === undefined &&
      scattered !== undefined;
    const chain = dense ? readWeights(graph, scattered, indices) : perSlot;
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
      ...(chain.expertScale === undefined
        ? {}
        : { expertScale: chain.expertScale }),
      ...(selection.selectionBias
        ? { selectionBias: selection.selectionBias }
        : {}),
      // One group that is always kept limits nothing.
      ...(selection.groups && selection.groups.count > 1
        ? { groups: selection.groups }
        : {})
    };
    return {
      experts: selection.experts,
      topK: k,
      convention,
      pattern: describe(convention),
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: [indices],
        ...(dense
          ? { weights: null, denseWeights: chain.weights }
          : { weights: [chain.weights] })
      },
      selectors: [selector(node)]
    } satisfies RouterMatch;
  }
};

/** The tensor over all experts that chosen scores are scattered into. */
function scatteredOver(graph: Graph, chosen: string): string | undefined {
  return graph
    .consumers(chosen)
    .find(({ op, inputs }) => op === 'ScatterElements' && inputs[2] === chosen)
    ?.outputs[0];
}

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
