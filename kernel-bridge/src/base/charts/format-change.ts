/** How far kinds of change move routing, each beside an arbitrary change of as many tokens. */
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

export interface FormatChangeRow {
  kind: string;
  what: (typeof CHANGES)[number];
  /** Part of the selections that moves. */
  share: number;
  low: number;
  high: number;
}

const CHANGES = ['format', 'arbitrary change'] as const;

/** Bars with intervals by kind; a dashed line at the distance to another text. */
export function formatChangeSpec(
  rows: readonly FormatChangeRow[],
  toOtherText: number | undefined
): VegaLiteSpec {
  const x = {
    field: 'kind',
    type: 'nominal',
    title: null,
    sort: null,
    axis: { labelAngle: 0 }
  };
  const xOffset = { field: 'what', sort: [...CHANGES] };
  return {
    $schema: VEGA_LITE_6,
    width: 560,
    height: 220,
    layer: [
      {
        data: { values: [...rows] },
        mark: { type: 'bar' },
        encoding: {
          x,
          xOffset,
          y: {
            field: 'share',
            type: 'quantitative',
            title: 'selections that move',
            axis: { format: '~%', gridOpacity: 0.3 }
          },
          color: {
            field: 'what',
            type: 'nominal',
            title: 'changed by',
            legend: { orient: 'top' },
            scale: {
              domain: [...CHANGES],
              range: ['#4c9db8', '#9a9a9a']
            }
          }
        }
      },
      {
        data: { values: [...rows] },
        mark: { type: 'rule', color: '#333', strokeWidth: 1.5 },
        encoding: {
          x,
          xOffset,
          y: { field: 'low', type: 'quantitative' },
          y2: { field: 'high' }
        }
      },
      ...(toOtherText === undefined
        ? []
        : [
            {
              data: { values: [{ toOtherText }] },
              mark: {
                type: 'text',
                align: 'right',
                baseline: 'bottom',
                dx: -4,
                dy: -2,
                color: '#c0392b'
              },
              encoding: {
                x: { value: 'width' },
                y: { field: 'toOtherText', type: 'quantitative' },
                text: { value: 'to another text' }
              }
            },
            {
              data: { values: [{ toOtherText }] },
              mark: { type: 'rule', color: '#c0392b', strokeDash: [4, 3] },
              encoding: {
                y: { field: 'toOtherText', type: 'quantitative' },
                tooltip: [
                  {
                    field: 'toOtherText',
                    type: 'quantitative',
                    title: 'another text',
                    format: '.2%'
                  }
                ]
              }
            }
          ])
    ],
    config: ROUTING_CONFIG
  } as VegaLiteSpec;
}
