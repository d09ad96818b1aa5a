/** Measures of several models over the relative depth of their layers. */
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

export interface DepthRow {
  model: string;
  layer: string;
  /** From 0 to 1. */
  depth: number;
  measure: string;
  value: number;
}

export interface DepthChart {
  title: string;
  /** In the order of the legend. */
  models: readonly string[];
  /** In the order of the rows. */
  measures: readonly string[];
  rows: readonly DepthRow[];
}

/** Okabe and Ito's colours, told apart by colour-blind readers too. */
const COLORS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9'
];
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross'];

/** One row of the picture a measure, one line a model; points are its MoE layers. */
export function modelsByDepthSpec({
  title,
  models,
  measures,
  rows
}: DepthChart): VegaLiteSpec {
  const of = (values: readonly string[]): string[] =>
    models.map((_, i) => values[i % values.length]);
  return {
    $schema: VEGA_LITE_6,
    title: { text: title, anchor: 'start' },
    data: { values: [...rows] },
    facet: {
      row: {
        field: 'measure',
        type: 'nominal',
        title: null,
        sort: [...measures],
        header: { labelOrient: 'top', labelAnchor: 'start' }
      }
    },
    spec: {
      width: 420,
      height: 90,
      mark: { type: 'line', point: { size: 50 }, tooltip: true },
      encoding: {
        x: {
          field: 'depth',
          type: 'quantitative',
          title: 'depth: first block 0, last block 1',
          scale: { domain: [0, 1] },
          axis: { gridOpacity: 0.3 }
        },
        y: {
          field: 'value',
          type: 'quantitative',
          title: null,
          scale: { domain: [0, 1] },
          axis: { gridOpacity: 0.3, tickCount: 3 }
        },
        color: {
          field: 'model',
          type: 'nominal',
          title: 'model',
          scale: { domain: [...models], range: of(COLORS) },
          legend: { labelLimit: 240 }
        },
        shape: {
          field: 'model',
          type: 'nominal',
          title: 'model',
          scale: { domain: [...models], range: of(SHAPES) },
          legend: { labelLimit: 240 }
        },
        tooltip: [
          { field: 'model', type: 'nominal' },
          { field: 'layer', type: 'nominal' },
          { field: 'measure', type: 'nominal' },
          { field: 'value', type: 'quantitative', format: '.3f' }
        ]
      }
    },
    config: ROUTING_CONFIG
  } as VegaLiteSpec;
}
