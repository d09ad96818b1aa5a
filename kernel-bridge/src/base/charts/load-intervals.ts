/** Token rates of experts with confidence intervals. */
import type { LoadIntervals } from '../protocol';
import { bandScale } from './band-scale';
import { heading, type DrawingLook } from './drawing-look';
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';
import { labelledIndices, labelStride } from './token-labels';

/** Bars of the token rate with intervals, and a dashed line at balance. */
export function loadIntervalsSpec(
  load: LoadIntervals,
  { schema = VEGA_LITE_6, width: fitted }: DrawingLook = {}
): VegaLiteSpec {
  const { rows, uniform } = load;
  const width = fitted ?? Math.min(Math.max(rows.length * 22, 160), 720);
  const x = {
    field: 'expert',
    type: 'ordinal',
    title: 'expert',
    scale: { ...bandScale(rows.length), paddingInner: 0.15 },
    axis: {
      values: labelledIndices(rows.length, labelStride(rows.length, width, 18)),
      labelAngle: 0
    }
  };
  const tooltip = [
    { field: 'expert', type: 'quantitative', title: 'expert' },
    { field: 'selections', type: 'quantitative', title: 'selections' },
    ...(['tokenRate', 'low', 'high'] as const).map(field => ({
      field,
      type: 'quantitative',
      title: field === 'tokenRate' ? 'token rate' : `${field}er end`,
      format: '.2%'
    }))
  ];
  return {
    $schema: schema,
    ...heading(load, fitted),
    width,
    height: 200,
    layer: [
      {
        data: { values: rows },
        mark: { type: 'bar', color: '#4c9db8' },
        encoding: {
          x,
          y: {
            field: 'tokenRate',
            type: 'quantitative',
            title: 'token rate',
            axis: { format: '~%', gridOpacity: 0.3 }
          },
          tooltip
        }
      },
      // Dark with a light outline, so that intervals are visible on bars and any background.
      ...[
        { color: 'white', strokeWidth: 4 },
        { color: '#333', strokeWidth: 1.5 }
      ].map(line => ({
        data: { values: rows },
        mark: { type: 'rule', ...line },
        encoding: {
          x,
          y: { field: 'low', type: 'quantitative' },
          y2: { field: 'high' },
          tooltip
        }
      })),
      {
        data: { values: [{ uniform }] },
        mark: { type: 'rule', color: '#c0392b', strokeDash: [4, 3] },
        encoding: {
          y: { field: 'uniform', type: 'quantitative' },
          tooltip: [
            {
              field: 'uniform',
              type: 'quantitative',
              title: 'k / E',
              format: '.2%'
            }
          ]
        }
      }
    ],
    config: ROUTING_CONFIG
  };
}
