/** All metrics, and what follows from their tables. */
import type { RouterIdentity } from '../base/protocol';
import { EXPERT_METRICS } from './expert-metrics';
import { LAYER_METRICS } from './layer-metrics';
import type { Metric } from './metric';
import { OTHER_METRICS } from './other-metrics';
import { PAIR_METRICS } from './pair-metrics';
import type { RouterTally } from './router-tally';
import { sum } from './vectors';

export type LayerMetricName = keyof typeof LAYER_METRICS;
export type ExpertMetricName = keyof typeof EXPERT_METRICS;
export type MetricName =
  | LayerMetricName
  | ExpertMetricName
  | keyof typeof PAIR_METRICS
  | keyof typeof OTHER_METRICS;

/** A value for each metric of a layer. A mapping of the table itself: editors lead from a property to its row. */
export type OfLayer<Value> = { [Name in keyof typeof LAYER_METRICS]: Value };
/** A value for each metric of an expert. */
export type OfExpert<Value> = { [Name in keyof typeof EXPERT_METRICS]: Value };

export const METRICS: Readonly<Record<MetricName, Metric<unknown>>> = {
  ...LAYER_METRICS,
  ...EXPERT_METRICS,
  ...PAIR_METRICS,
  ...OTHER_METRICS
};

export const LAYER_METRIC_NAMES = Object.keys(
  LAYER_METRICS
) as LayerMetricName[];
export const EXPERT_METRIC_NAMES = Object.keys(
  EXPERT_METRICS
) as ExpertMetricName[];

/** Metrics that tables of layers for people show, with the heads of their columns. */
export const TABLE_METRICS = LAYER_METRIC_NAMES.flatMap(name => {
  const { short } = METRICS[name];
  return short === undefined ? [] : [{ name, short }];
});

/**
 * What a finding says of the metric that it rests on: name and formula, with its source.
 * @param how else it was judged: a test, a bound
 */
export function cited(
  name: MetricName,
  how?: string
): { metric: MetricName; formula: string } {
  const { formula, source } = METRICS[name];
  return {
    metric: name,
    formula: `${formula}${source ? ` (${source})` : ''}${how ? `; ${how}` : ''}`
  };
}

/** All metrics of a layer and of its experts. */
export interface LayerMetrics
  extends
    RouterIdentity,
    Readonly<OfLayer<number>>,
    Readonly<OfExpert<Float64Array>> {
  tokens: number;
  /** topK a token, less what was dropped. */
  slots: number;
}

/** NaN stands for what no token has told yet, and for what the trace does not hold. */
export function layerMetrics(tally: RouterTally): LayerMetrics {
  return {
    ...tally.router,
    tokens: tally.tokens,
    slots: sum(tally.counts),
    ...computed(LAYER_METRICS, tally),
    ...computed(EXPERT_METRICS, tally)
  };
}

function computed<Name extends string, Value>(
  table: Readonly<Record<Name, Metric<(tally: RouterTally) => Value>>>,
  tally: RouterTally
): Record<Name, Value> {
  return Object.fromEntries(
    Object.entries<Metric<(tally: RouterTally) => Value>>(table).map(
      ([name, { compute }]) => [name, compute(tally)]
    )
  ) as Record<Name, Value>;
}
