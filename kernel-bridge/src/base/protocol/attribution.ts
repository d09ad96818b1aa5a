/** What an attribution found: which tokens, layers and experts a logit or a routing decision comes from. */
import { layerName, type Stack, type Token } from './routing';

/**
 * `ig`: integrated gradients from a baseline to the embeddings (Sundararajan et al. 2017, arXiv:1703.01365).
 * `grad-input`: the gradient times the embeddings less the baseline. `occlusion`: how much the target falls when a
 * token's embedding alone is replaced by the baseline's.
 */
export type AttributionMethod = 'ig' | 'grad-input' | 'occlusion';

export type QuadratureRule = 'gauss-legendre' | 'midpoint';

export interface AttributedToken extends Token {
  attribution: number;
}

/** What was explained, with what was left open settled. */
export interface ExplainedTarget {
  kind: 'logit' | 'log-probability' | 'router';
  /** The token that it is read at. */
  position: number;
  /** Of a logit: the token whose logit it is. */
  token?: number;
  text?: string;
  /** Of a routing decision. */
  layer?: number;
  stack?: Stack;
  module?: string;
  expert?: number;
}

/** How well the most attributed tokens are those that matter: curves of the target, token after token. */
export interface Faithfulness {
  /** How many tokens were replaced, or were there. */
  counts: number[];
  /** The target while the most attributed tokens are replaced by the baseline's first. */
  deletion: number[];
  /** The target while they are put into the baseline first. */
  insertion: number[];
  /** Means over the curves; of a faithful attribution the first is lower and the second higher than at random. */
  deletionMean: number;
  insertionMean: number;
  /** The same of random orders: their mean and standard deviation. */
  random: {
    orders: number;
    deletionMean: number;
    deletionDeviation: number;
    insertionMean: number;
    insertionDeviation: number;
  };
}

export interface AttributionData {
  target: ExplainedTarget;
  method: AttributionMethod;
  /** As it was asked for. */
  baseline:
    | 'zero'
    | 'mean'
    | { token: number | string }
    | { prompt: string | readonly number[] | object };
  /** Of integrated gradients. */
  rule?: QuadratureRule;
  steps?: number;
  /** Steps in one run, as measuring chose them. */
  batch?: number;
  tokens: AttributedToken[];
  /** The target of the prompt, and of the baseline. */
  value: number;
  baselineValue: number;
  /** Sum of all attributions less (value - baselineValue): 0 where they are complete. */
  gap: number;
  /** Choices of experts, a token and layer each, that change between neighbouring steps from baseline to prompt. */
  routingChanges?: number;
  /** How far the target jumps where the routing changes, in all: no token is credited with it. Of adaptive steps. */
  jumps?: number;
  /** False where the routing changes at more places than could be told apart. Of adaptive steps. */
  resolved?: boolean;
  faithfulness?: Faithfulness;
  /** First order: gradient times what the layer adds to the stream, summed over its tokens. */
  layers?: { layer: number; stack?: Stack; attribution: number }[];
  /** First order: gradient times what the expert adds to its token. */
  experts?: {
    layer: number;
    stack?: Stack;
    module?: string;
    position: number;
    expert: number;
    weight: number;
    attribution: number;
  }[];
  warnings: string[];
}

export interface AttributeDocument extends AttributionData {
  schema: 'moe-debugger/attribute@1';
}

const METHOD_NAMES: Record<AttributionMethod, string> = {
  ig: 'integrated gradients',
  'grad-input': 'gradient times input',
  occlusion: 'occlusion'
};
const BAR = 20;
const LISTED = 8;

/** In words: a line a token with a bar, then what it adds up to. */
export function describeAttribution(data: AttributionData): string {
  const { target, method, tokens, value, baselineValue, gap } = data;
  const largest = tokens.reduce(
    (most, { attribution }) => Math.max(most, Math.abs(attribution)),
    0
  );
  const lines = tokens.map(({ position, text, id, attribution }) => {
    const bar = largest > 0 ? Math.abs(attribution) / largest : 0;
    return [
      String(position).padStart(4),
      attribution.toFixed(4).padStart(10),
      (attribution < 0 ? '-' : '+').repeat(Math.round(bar * BAR)).padEnd(BAR),
      JSON.stringify(text ?? id)
    ].join('  ');
  });
  return [
    `${describeTarget(target)} by ${METHOD_NAMES[method]}:`,
    ...lines,
    `target ${value.toFixed(4)}, at the baseline ${baselineValue.toFixed(4)}; the attributions add up to ${(value - baselineValue + gap).toFixed(4)}, a gap of ${gap.toFixed(4)}`,
    ...describeExperts(data),
    ...describeFaithfulness(data),
    ...data.warnings.map(warning => `note: ${warning}`)
  ].join('\n');
}

function describeTarget(target: ExplainedTarget): string {
  const { kind, position, token, text, expert } = target;
  return kind === 'router'
    ? `score of ${layerName({ layer: target.layer!, stack: target.stack, module: target.module })} expert ${expert} at token ${position}`
    : `${kind} of ${JSON.stringify(text ?? token)} after token ${position}`;
}

function describeExperts({ experts = [] }: AttributionData): string[] {
  return [...experts]
    .sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution))
    .slice(0, LISTED)
    .map(
      ({ position, expert, weight, attribution, ...layer }) =>
        `${layerName(layer)} expert ${expert} at token ${position}: ${attribution.toFixed(4)} (weight ${weight.toFixed(2)})`
    );
}

function describeFaithfulness({ faithfulness }: AttributionData): string[] {
  if (!faithfulness) {
    return [];
  }
  const { deletionMean, insertionMean, random } = faithfulness;
  return [
    `deletion ${deletionMean.toFixed(4)} (random ${random.deletionMean.toFixed(4)} ± ${random.deletionDeviation.toFixed(4)}), insertion ${insertionMean.toFixed(4)} (random ${random.insertionMean.toFixed(4)} ± ${random.insertionDeviation.toFixed(4)})`
  ];
}
