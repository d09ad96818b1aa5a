/** A compression plan: what becomes of each expert, and how its effect compares with that of random plans. */
import { bandScale } from './band-scale';
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';
import { labelledIndices, labelStride } from './token-labels';

export interface PlannedExpert {
  layer: string;
  expert: number;
  fate: 'keep' | 'prune' | 'merge' | 'super expert';
  /** The expert that it is merged into. */
  into: number | null;
  tokens: number;
}

export interface PlannedEffect {
  plan: 'this plan' | 'at random';
  /** Nats per token. */
  kl: number;
}

export interface CompressionChart {
  title: string;
  subtitle: string[];
  experts: readonly PlannedExpert[];
  /** Empty where nothing was measured. */
  effects: readonly PlannedEffect[];
}

const FATES: [PlannedExpert['fate'], string][] = [
  ['keep', '#cfd4d8'],
  ['prune', '#c0392b'],
  ['merge', '#4c9db8'],
  ['super expert', '#e0a100']
];
const CELL = 24;

/** Cells of layers and experts, and below them a mark for each plan's effect. */
export function compressionSpec({
  title,
  subtitle,
  experts,
  effects
}: CompressionChart): VegaLiteSpec {
  const count = Math.max(1, ...experts.map(({ expert }) => expert + 1));
  const layers = [...new Set(experts.map(({ layer }) => layer))];
  const width = Math.min(Math.max(count * CELL, 200), 720);
  const height = Math.min(Math.max(layers.length * CELL, 40), 600);
  const x = {
    field: 'expert',
    type: 'ordinal',
    title: 'expert',
    scale: bandScale(count),
    axis: {
      values: labelledIndices(count, labelStride(count, width, 18)),
      labelAngle: 0
    }
  };
  const y = {
    field: 'layer',
    type: 'ordinal',
    title: null,
    sort: layers,
    axis: { labelOverlap: true }
  };
  return {
    $schema: VEGA_LITE_6,
    title: { text: title, subtitle, anchor: 'start' },
    vconcat: [
      {
        width,
        height,
        data: { values: [...experts] },
        layer: [
          {
            mark: { type: 'rect', stroke: 'white', strokeWidth: 1 },
            encoding: {
              x,
              y,
              color: {
                field: 'fate',
                type: 'nominal',
                title: 'expert',
                scale: {
                  domain: FATES.map(([fate]) => fate),
                  range: FATES.map(([, color]) => color)
                }
              },
              tooltip: [
                { field: 'layer', type: 'nominal' },
                { field: 'expert', type: 'quantitative' },
                { field: 'fate', type: 'nominal' },
                { field: 'into', type: 'quantitative', title: 'into' },
                { field: 'tokens', type: 'quantitative' }
              ]
            }
          },
          ...(width / count >= 18
            ? [
                {
                  transform: [{ filter: "datum.fate === 'merge'" }],
                  mark: { type: 'text', fontSize: 9, color: 'white' },
                  encoding: {
                    x,
                    y,
                    text: { field: 'into', type: 'quantitative' }
                  }
                }
              ]
            : [])
        ]
      },
      ...(effects.length > 0
        ? [
            {
              width,
              height: 48,
              data: { values: [...effects] },
              mark: { type: 'tick', thickness: 3 },
              encoding: {
                x: {
                  field: 'kl',
                  type: 'quantitative',
                  title:
                    'KL of the predictions on held-out prompts (nats per token)',
                  scale: { zero: true },
                  axis: { gridOpacity: 0.3 }
                },
                y: {
                  field: 'plan',
                  type: 'nominal',
                  title: null,
                  sort: ['this plan', 'at random']
                },
                color: {
                  field: 'plan',
                  type: 'nominal',
                  legend: null,
                  scale: {
                    domain: ['this plan', 'at random'],
                    range: ['#2b6f88', '#9a9a9a']
                  }
                }
              }
            }
          ]
        : [])
    ],
    resolve: { scale: { color: 'independent' } },
    config: ROUTING_CONFIG
  } as VegaLiteSpec;
}
