/** A forest plot: effects of experts with their intervals. */
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

export interface ExcessRow {
  name: string;
  excess: number;
  low: number;
  high: number;
  causal: boolean;
}

/** One line an expert, in the order given; a dashed line at no excess. */
export function excessIntervalsSpec(
  rows: readonly ExcessRow[],
  title: string
): VegaLiteSpec {
  const y = { field: 'name', type: 'nominal', title: null, sort: null };
  const color = {
    field: 'causal',
    type: 'nominal',
    title: 'causal',
    scale: { domain: [true, false], range: ['#1f77b4', '#9a9a9a'] },
    legend: null
  };
  const tooltip = [
    { field: 'name', type: 'nominal', title: 'expert' },
    ...(['excess', 'low', 'high'] as const).map(field => ({
      field,
      type: 'quantitative',
      title: field === 'excess' ? 'excess' : `${field}er end`,
      format: '.4g'
    }))
  ];
  return {
    $schema: VEGA_LITE_6,
    title: { text: title, anchor: 'start' },
    data: { values: [...rows] },
    width: 360,
    height: { step: 16 },
    layer: [
      {
        mark: { type: 'rule', color: '#c0392b', strokeDash: [4, 3] },
        encoding: { x: { datum: 0 } }
      },
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: {
          x: {
            field: 'low',
            type: 'quantitative',
            title: 'change beyond that of matched experts, with interval',
            axis: { gridOpacity: 0.3 }
          },
          x2: { field: 'high' },
          y,
          color,
          tooltip
        }
      },
      {
        mark: { type: 'point', filled: true, size: 40, opacity: 1 },
        encoding: {
          x: { field: 'excess', type: 'quantitative' },
          y,
          color,
          tooltip
        }
      }
    ],
    config: ROUTING_CONFIG
  } as VegaLiteSpec;
}
