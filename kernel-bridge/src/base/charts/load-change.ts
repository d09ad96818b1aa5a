/** Load of each expert before and after a change. */
import { bandScale } from './band-scale';
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

export interface LoadChangeRow {
  layer: string;
  expert: number;
  /** 'before' or 'after'. */
  when: string;
  /** Load over the mean of the layer. */
  load: number;
}

/** One row of bars a layer: before grey, after blue; a dashed line at the mean. */
export function loadChangeSpec(rows: readonly LoadChangeRow[]): VegaLiteSpec {
  const experts = Math.max(1, ...rows.map(({ expert }) => expert + 1));
  return {
    $schema: VEGA_LITE_6,
    data: { values: [...rows] },
    facet: {
      row: { field: 'layer', type: 'nominal', title: null, sort: null }
    },
    spec: {
      width: Math.min(Math.max(experts * 26, 160), 720),
      height: 80,
      layer: [
        {
          mark: { type: 'bar' },
          encoding: {
            x: {
              field: 'expert',
              type: 'ordinal',
              title: 'expert',
              scale: { ...bandScale(experts), paddingInner: 0.15 },
              axis: { labelAngle: 0, labelOverlap: true }
            },
            xOffset: { field: 'when', sort: ['before', 'after'] },
            y: {
              field: 'load',
              type: 'quantitative',
              title: 'load / mean',
              axis: { gridOpacity: 0.3 }
            },
            color: {
              field: 'when',
              type: 'nominal',
              title: 'biases',
              scale: {
                domain: ['before', 'after'],
                range: ['#9a9a9a', '#4c9db8']
              }
            }
          }
        },
        {
          mark: { type: 'rule', color: '#c0392b', strokeDash: [4, 3] },
          encoding: { y: { datum: 1 } }
        }
      ]
    },
    config: ROUTING_CONFIG
  } as VegaLiteSpec;
}
