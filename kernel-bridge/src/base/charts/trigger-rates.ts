/** How often token sequences select an expert, beside how often their last token does elsewhere. */
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

export interface TriggerRateRow {
  /** Sequence and expert. */
  name: string;
  rate: number;
  low: number;
  high: number;
  otherwise: number;
}

const ROW = 18;

/** A bar with its interval a trigger; a red tick at the rate elsewhere. */
export function triggerRatesSpec(
  rows: readonly TriggerRateRow[]
): VegaLiteSpec {
  const y = {
    field: 'name',
    type: 'nominal',
    title: null,
    sort: null,
    axis: { labelLimit: 320 }
  };
  return {
    $schema: VEGA_LITE_6,
    width: 360,
    height: Math.max(1, rows.length) * ROW,
    data: { values: [...rows] },
    layer: [
      {
        mark: { type: 'bar', color: '#4c9db8' },
        encoding: {
          y,
          x: {
            field: 'rate',
            type: 'quantitative',
            title: 'selects the expert (red: elsewhere)',
            scale: { domain: [0, 1] },
            axis: { format: '~%', gridOpacity: 0.3 }
          }
        }
      },
      {
        mark: { type: 'rule', color: '#333', strokeWidth: 1.5 },
        encoding: {
          y,
          x: { field: 'low', type: 'quantitative' },
          x2: { field: 'high' }
        }
      },
      {
        mark: { type: 'tick', color: '#c0392b', thickness: 3 },
        encoding: { y, x: { field: 'otherwise', type: 'quantitative' } }
      }
    ],
    config: ROUTING_CONFIG
  } as VegaLiteSpec;
}
