/** Result of an attribution: the tokens, layers and experts that a logit or a routing decision depends on. */
import { layerName, type Stack, type Token } from './routing';

/**
 * `ig`: integrated gradients from a baseline to the embeddings (Sundararajan et al. 2017, arXiv:1703.01365).
 * `grad-input`: gradient times (embeddings - baseline). `occlusion`: drop of the target when one token's embedding is
 * replaced with the baseline's.
 */
export type AttributionMethod = 'ig' | 'grad-input' | 'occlusion';

export type QuadratureRule = 'gauss-legendre' | 'midpoint';

export interface AttributedToken extends Token {
  attribution: number;
}

/** The target, with defaults resolved. */
export interface ExplainedTarget {
  kind: 'logit' | 'log-probability' | 'router';
  /** The token at which it is read. */
  position: number;
  /** For a logit: the token whose logit it is. */
  token?: number;
  text?: string;
  /** For a routing decision. */
  layer?: number;
  stack?: Stack;
  module?: string;
  expert?: number;
}

/** Faithfulness of the token ranking: curves of the target as tokens are replaced or inserted. */
export interface Faithfulness {
  /** Number of tokens replaced, or inserted. */
  counts: number[];
  /** The target as tokens are replaced with the baseline, most attributed first. */
  deletion: number[];
  /** The target as tokens are inserted into the baseline, most attributed first. */
  insertion: number[];
  /** Means over the curves; for a faithful attribution deletion is lower and insertion higher than for random orders. */
  deletionMean: number;
  insertionMean: number;
  /** The same for random orders: mean and standard deviation. */
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
  /** As requested. */
  baseline:
    | 'zero'
    | 'mean'
    | { token: number | string }
    | { prompt: string | readonly number[] | object };
  /** For integrated gradients. */
  rule?: QuadratureRule;
  steps?: number;
  /** Steps per run, chosen by timing. */
  batch?: number;
  tokens: AttributedToken[];
  /** The target for the prompt, and for the baseline. */
  value: number;
  baselineValue: number;
  /** Sum of all attributions minus (value - baselineValue); 0 if they are complete. */
  gap: number;
  /** Number of (token, layer) selections that change between neighbouring steps from baseline to prompt. */
  routingChanges?: number;
  /** Sum of the target's jumps where the routing changes, which no token is credited with. With adaptive steps. */
  jumps?: number;
  /** False if there were more routing changes than could be separated. With adaptive steps. */
  resolved?: boolean;
  faithfulness?: Faithfulness;
  /** First order: gradient times the layer's output, summed over its tokens. */
  layers?: { layer: number; stack?: Stack; attribution: number }[];
  /** First order: gradient times the expert's output for its token. */
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

/** As text: one line per token with a bar, then the sum. */
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
