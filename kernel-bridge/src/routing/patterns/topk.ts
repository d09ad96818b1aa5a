/**
 * Routers that choose by TopK: softmax or sigmoid before or after the choice, selection bias, groups, renormalised
 * weights, a scaling factor (Mixtral, OLMoE, Qwen, GPT-OSS, DeepSeek and similar models).
 */
import type { Graph } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import type { Convention, RouterMatch } from '../convention';
import { viewsOf } from '../one-hot';
import { maskedByThreshold, readChoice } from '../choice';
import { readScores, scoreBelow, type SelectionScores } from '../scores';
import { lastDim, sourceOf } from '../router-input';
import { readWeights, type WeightChain } from '../weights';
import { selector, type RouterPattern } from './pattern';

export const topK: RouterPattern = {
  anchors: ['TopK'],
  match(graph, node) {
    const choice = readChoice(graph, node);
    const selection = readScores(graph, node.inputs[0]);
    // A TopK within groups, or over groups, is part of a router and not a router.
    const width = lastDim(graph, node.inputs[0]);
    if (
      !choice ||
      choice.k < 1 ||
      !selection ||
      choice.k > selection.experts ||
      (width !== undefined && width !== selection.experts)
    ) {
      return undefined;
    }
    const { k, values, indices } = choice;
    const read =
      readMasked(graph, selection, node.outputs[0]) ??
      readChosen(graph, selection, values, indices);
    if (!read || selection.experts < 2) {
      return undefined;
    }
    const { score, scoreBeforeTopK, chain, dense } = read;
    const convention: Convention = {
      score,
      scoreBeforeTopK,
      renormalized: chain.renormalized,
      ...(chain.epsilon === undefined ? {} : { epsilon: chain.epsilon }),
      ...(chain.scale === undefined ? {} : { scale: chain.scale }),
      ...(chain.expertScale === undefined
        ? {}
        : { expertScale: chain.expertScale }),
      ...(selection.selectionBias
        ? { selectionBias: selection.selectionBias }
        : {}),
      // A single group does not limit the choice.
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

/** How the chosen experts are weighted. */
interface Weighting {
  score: 'softmax' | 'sigmoid';
  scoreBeforeTopK: boolean;
  chain: WeightChain;
  /** The weights are [..., experts], including experts that are not chosen. */
  dense: boolean;
}

/** Reads weights that start from the chosen scores. */
function readChosen(
  graph: Graph,
  selection: SelectionScores,
  values: string,
  indices: string
): Weighting | undefined {
  const looked = chosenScores(graph, selection.scores, indices) ?? values;
  const chosen = selection.isLog ? exponential(graph, looked) : looked;
  if (chosen === undefined) {
    return undefined;
  }
  const perSlot = readWeights(graph, chosen, indices);
  const before = selection.score !== undefined;
  if (before || perSlot.score !== undefined) {
    return {
      score: (selection.score ?? perSlot.score)!,
      scoreBeforeTopK: before,
      chain: perSlot,
      dense: false
    };
  }
  // Chosen by logits, weighted by scores over all experts.
  const scored = scoreBelow(graph, selection.logits);
  const beside = scored && chosenScores(graph, scored.tensor, indices);
  if (beside !== undefined) {
    return {
      score: scored!.score,
      scoreBeforeTopK: true,
      chain: readWeights(graph, beside, indices),
      dense: false
    };
  }
  // Scattered over all experts, then scored: the graph has dense weights.
  const scattered = scatteredOver(graph, values);
  const chain =
    scattered === undefined
      ? undefined
      : readWeights(graph, scattered, indices);
  return chain?.score === undefined
    ? undefined
    : { score: chain.score, scoreBeforeTopK: false, chain, dense: true };
}

function exponential(graph: Graph, logarithms: string): string | undefined {
  return viewsOf(graph, logarithms)
    .flatMap(view => graph.consumers(view))
    .find(({ op }) => op === 'Exp')?.outputs[0];
}

/** Reads weights that start from all scores, with those below the k-th masked out. */
function readMasked(
  graph: Graph,
  { scores, score: before, isLog }: SelectionScores,
  values: string
): Weighting | undefined {
  const masked = isLog ? undefined : maskedByThreshold(graph, scores, values);
  const chain = masked === undefined ? undefined : readWeights(graph, masked);
  const score = before ?? chain?.score;
  return chain && score !== undefined && !(before && chain.score)
    ? { score, scoreBeforeTopK: before !== undefined, chain, dense: true }
    : undefined;
}

/** The tensor, [..., experts], that chosen scores are scattered into. */
function scatteredOver(graph: Graph, chosen: string): string | undefined {
  return graph
    .consumers(chosen)
    .find(({ op, inputs }) => op === 'ScatterElements' && inputs[2] === chosen)
    ?.outputs[0];
}

/** Unbiased scores, gathered at the chosen experts. */
function chosenScores(
  graph: Graph,
  scores: string,
  indices: string
): string | undefined {
  const source = sourceOf(graph, scores).tensor;
  for (const { nodes } of walk(graph, [indices], {
    direction: 'downstream',
    maxDepth: MAX_INDEX_VIEWS,
    through: ({ op, outputs }) => INDEX_VIEWS.has(op) && [outputs[0]]
  })) {
    const gather = nodes.find(
      ({ op, inputs }) =>
        (op === 'GatherElements' || op === 'GatherND') &&
        sourceOf(graph, inputs[0]).tensor === source
    );
    if (gather) {
      return gather.outputs[0];
    }
  }
  return undefined;
}

const MAX_INDEX_VIEWS = 4;

const INDEX_VIEWS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Concat'
]);

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
