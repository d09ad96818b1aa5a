/** Token rates of a layer's experts. */
import type { RoutingLayer, RoutingSample } from '../protocol';
import { bandScale } from './band-scale';
import { expertCounts } from './measure';
import { ceiling } from './routing-rows';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

/** Data set of the bars: rows `ExpertLoadRow`. */
export const EXPERT_LOAD = 'expert_load';

export interface ExpertLoadRow {
  expert: number;
  /** c: number of selections of the expert. */
  selections: number;
  /** c / tokens. Sums to k over the experts; the uniform share is k / experts. */
  tokenRate: number;
}

/** A layer's load, [experts]. */
export function expertLoad(layer: RoutingLayer): ExpertLoadRow[] {
  const tokens = layer.selected.length / Math.max(layer.topK, 1);
  return Array.from(expertCounts(layer), (selections, expert) => ({
    expert,
    selections,
    tokenRate: tokens === 0 ? 0 : selections / tokens
  }));
}

/** Upper end of the token rate axis that fits all layers of the samples. */
export function tokenRateCeiling(samples: readonly RoutingSample[]): number {
  let peak = 0;
  for (const sample of samples) {
    for (const layer of sample.layers) {
      for (const { tokenRate } of expertLoad(layer)) {
        peak = Math.max(peak, tokenRate);
      }
    }
  }
  return ceiling(peak);
}

export interface ExpertLoadOptions {
  experts: number;
  topK: number;
  /** Upper end of the axis, from `tokenRateCeiling`. */
  ceiling: number;
  width: number;
  height: number;
  /** Colours of the bars and of the uniform line. */
  colors: { bar: string; uniform: string };
  /** Names the convention: the token rate sums to k, the slot share to 1. */
  title: string;
  /** Omit the experts' numbers if a heatmap beside the bars shows them. */
  withoutLabels?: boolean;
}

/** Bars of the token rate of each expert, with a line at the uniform rate k / E. */
export function expertLoadSpec(options: ExpertLoadOptions): VegaLiteSpec {
  const { experts, topK } = options;
  return {
    $schema: VEGA_LITE_6,
    width: options.width,
    height: options.height,
    layer: [
      {
        data: { name: EXPERT_LOAD, values: [] },
        mark: {
          type: 'bar',
          color: options.colors.bar,
          height: { band: options.height / experts > 5 ? 0.8 : 1 }
        },
        encoding: {
          y: {
            field: 'expert',
            type: 'ordinal',
            scale: bandScale(experts),
            ...(options.withoutLabels
              ? { axis: null }
              : { title: 'expert', axis: { labelOverlap: true } })
          },
          x: {
            field: 'tokenRate',
            type: 'quantitative',
            title: options.title,
            scale: { domain: [0, options.ceiling], nice: false },
            axis: {
              format: '~%',
              // In narrow charts only both ends are labelled, and these labels stay within the plot.
              ...(options.width < 90
                ? { values: [0, options.ceiling] }
                : { tickCount: 3 }),
              labelFlush: true,
              grid: false
            }
          }
        }
      },
      {
        data: { values: [{ uniform: topK / Math.max(experts, 1) }] },
        mark: {
          type: 'rule',
          color: options.colors.uniform,
          strokeDash: [3, 2]
        },
        encoding: { x: { field: 'uniform', type: 'quantitative' } }
      }
    ]
  };
}
