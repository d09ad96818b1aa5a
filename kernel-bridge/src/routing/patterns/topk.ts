/**
 * Routers that choose by TopK: softmax or sigmoid before or after the choice, selection bias, groups, renormalised
 * weights, a scaling factor (Mixtral, OLMoE, Qwen, GPT-OSS, DeepSeek and similar models).
 */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { handedOn, sameSource, viewsOf } from '../../onnx/graph/no-ops';
import { walk } from '../../onnx/graph/walk';
import type { Convention, RouterMatch } from '../convention';
import { maskedByThreshold, readChoice, type Choice } from '../choice';
import { appliedIds } from '../applied-ids';
import { scoreFunction, type ScoreFunction } from '../score-function';
import { readScores, type SelectionScores } from '../scores';
import { lastDim } from '../router-input';
import { readWeights, weightingOf, type WeightChain } from '../weights';
import { selector, type RouterPattern } from './pattern';

export const topK: RouterPattern = {
  anchors: ['TopK'],
  match(graph, node) {
    const choice = readChoice(graph, node);
    const selection =
      choice && readScores(graph, node.inputs[0], choice.smallest);
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
    const { k, indices } = choice;
    const read =
      readMasked(graph, selection, node.outputs[0]) ??
      readChosen(graph, selection, choice);
    if (!read || read.chain.changedBy || selection.experts < 2) {
      return undefined;
    }
    const { score, scoreBeforeTopK, chain, dense } = read;
    const applied = dense ? undefined : appliedIds(graph, indices);
    const convention: Convention = {
      score,
      scoreBeforeTopK,
      ...weightingOf(chain),
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
      pattern: describe(convention, chain),
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: [indices],
        ...(dense
          ? { weights: null, denseWeights: chain.weights }
          : { weights: [chain.weights] }),
        ...(applied === undefined ? {} : { applied }),
        ...(chain.shared ? { shared: chain.shared.logits } : {})
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
  { k, values, indices }: Choice
): Weighting | undefined {
  const { score, logits, isLog, factor, selectionBias } = selection;
  const gathered = gathersAt(graph, indices);
  // Scores over all experts, of a choice by them or by their logits, which ranks experts alike.
  for (const gather of gathered) {
    const own = sameSource(graph, gather.inputs[0], selection.scores)
      ? { score, isLog: isLog ?? false }
      : scoreOf(graph, gather.inputs[0], logits);
    const chosen =
      own?.score &&
      (own.isLog ? exponential(graph, gather.outputs[0]) : gather.outputs[0]);
    if (own?.score && chosen !== undefined) {
      return {
        score: own.score,
        scoreBeforeTopK: true,
        chain: readWeights(graph, chosen, {
          indices,
          size: k,
          scored: true,
          logits
        }),
        dense: false
      };
    }
  }
  const ofLogits = gathered.find(({ inputs }) =>
    sameSource(graph, inputs[0], logits)
  )?.outputs[0];
  if (ofLogits !== undefined) {
    return readOfLogits(
      selection,
      readWeights(graph, ofLogits, { indices, size: k, logits })
    );
  }
  // What was chosen includes the bias, and the weights do not in any convention.
  const signed =
    selectionBias !== undefined
      ? undefined
      : factor !== undefined && factor < 0
        ? negative(graph, values)
        : values;
  const chosen =
    signed !== undefined &&
    isLog &&
    factor !== undefined &&
    Math.abs(factor) !== 1
      ? undefined
      : signed !== undefined && isLog
        ? exponential(graph, signed)
        : signed;
  if (chosen === undefined) {
    return undefined;
  }
  const chain = readWeights(graph, chosen, {
    indices,
    size: k,
    scored: score !== undefined,
    factor: isLog ? 1 : Math.abs(factor ?? 1),
    logits
  });
  if (score !== undefined || chain.score !== undefined) {
    return {
      score: (score ?? chain.score)!,
      scoreBeforeTopK: score !== undefined,
      chain,
      dense: false
    };
  }
  // Scattered over all experts, then scored: the graph has dense weights.
  const scattered = scatteredOver(graph, values);
  const dense =
    scattered === undefined
      ? undefined
      : readWeights(graph, scattered, { indices });
  return dense?.score === undefined
    ? undefined
    : { score: dense.score, scoreBeforeTopK: false, chain: dense, dense: true };
}

/** A choice by scores, or by the logits, whose weights are a score of the logits of the chosen. */
function readOfLogits(
  { score, selectionBias, groups }: SelectionScores,
  chain: WeightChain
): Weighting | undefined {
  if (chain.score === undefined) {
    return undefined;
  }
  // Scores rank experts as logits do, until something is added to them.
  const ranked = score !== undefined && (selectionBias ?? groups) !== undefined;
  return ranked && !(score === 'sigmoid' && chain.score === 'sigmoid')
    ? undefined
    : {
        score: chain.score,
        // The sigmoid of a chosen logit is the chosen sigmoid.
        scoreBeforeTopK: ranked,
        chain,
        dense: false
      };
}

/** The score that a tensor holds, if it is one of these logits. */
function scoreOf(
  graph: Graph,
  tensor: string,
  logits: string
): ScoreFunction | undefined {
  const own = scoreFunction(graph, tensor);
  return own && sameSource(graph, own.logits, logits) ? own : undefined;
}

/** The same values with the other sign. */
function negative(graph: Graph, tensor: string): string | undefined {
  return viewsOf(graph, tensor)
    .flatMap(view => graph.consumers(view))
    .find(
      ({ op, inputs }) =>
        op === 'Neg' ||
        (op === 'Mul' &&
          inputs.some(input => graph.constantScalar(input) === -1))
    )?.outputs[0];
}

function exponential(graph: Graph, logarithms: string): string | undefined {
  return viewsOf(graph, logarithms)
    .flatMap(view => graph.consumers(view))
    .find(({ op }) => op === 'Exp')?.outputs[0];
}

/** Reads weights that start from all scores, with those below the k-th masked out. */
function readMasked(
  graph: Graph,
  { scores, score: before, isLog, factor, experts }: SelectionScores,
  values: string
): Weighting | undefined {
  const masked =
    isLog || factor !== undefined
      ? undefined
      : maskedByThreshold(graph, scores, values);
  const chain =
    masked === undefined
      ? undefined
      : readWeights(graph, masked, {
          size: experts,
          scored: before !== undefined
        });
  const score = before ?? chain?.score;
  return chain && score !== undefined
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

/** Nodes that gather values at the chosen experts. */
function gathersAt(graph: Graph, indices: string): GraphNode[] {
  return [
    ...walk(graph, [indices], {
      direction: 'downstream',
      maxDepth: MAX_INDEX_STEPS,
      through: (node, from) =>
        node.op === 'Concat'
          ? node.outputs.slice(0, 1)
          : handedOn(graph, node, from)
    })
  ].flatMap(({ tensor, nodes }) =>
    nodes.filter(
      ({ op, inputs }) =>
        (op === 'GatherElements' || op === 'GatherND') && inputs[1] === tensor
    )
  );
}

/** Views, and the Concat that makes the indices of a GatherND. */
const MAX_INDEX_STEPS = 6;

function describe(convention: Convention, { masked }: WeightChain): string {
  const {
    score,
    scoreBeforeTopK,
    selectionBias,
    groups,
    renormalized,
    scale,
    sharedScores
  } = convention;
  const choice = [
    selectionBias && 'bias for choice',
    groups && 'groups',
    'top-k'
  ];
  const steps = scoreBeforeTopK ? [score, ...choice] : [...choice, score];
  return [
    ...steps,
    renormalized &&
      (sharedScores ? 'renormalise with shared experts' : 'renormalise'),
    scale !== undefined && 'scale',
    masked && 'mask'
  ]
    .filter(Boolean)
    .join(' > ');
}
