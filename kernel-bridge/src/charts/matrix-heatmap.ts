/** A heatmap of any matrix with named rows and columns: co-activation, similarity, domains, time. */
import { bandScale } from './band-scale';
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';
import { labelExpression, labelledIndices, labelStride } from './token-labels';

export interface MatrixAxis {
  title: string | null;
  /** One a row, or a column, in the order of the picture; long ones are cut. */
  labels: readonly string[];
}

export interface MatrixHeatmap {
  title: string;
  subtitle: string;
  x: MatrixAxis;
  y: MatrixAxis;
  /** [y, x], row-major; cells that are not finite stay empty. */
  values: ArrayLike<number>;
  /** What a value is. */
  measure: string;
  /** Lower and upper end of the colours; default 0 and the largest value. A domain from below zero takes two hues. */
  domain?: readonly [number, number];
  /** As d3-format has it; default '.3f'. */
  format?: string;
  /** Default Vega-Lite 6. */
  schema?: string;
}

export interface MatrixCell {
  x: number;
  y: number;
  column: string;
  row: string;
  value: number;
}

const LONGEST_LABEL = 24;
const CELL = 20;
const MOST_WIDTH = 640;
const MOST_HEIGHT = 560;

export function matrixHeatmapSpec(matrix: MatrixHeatmap): VegaLiteSpec {
  const { x, y, measure, format = '.3f', schema = VEGA_LITE_6 } = matrix;
  const cells = matrixCells(matrix);
  const width = size(x.labels.length, MOST_WIDTH);
  const height = size(y.labels.length, MOST_HEIGHT);
  const [low, high] = matrix.domain ?? [
    0,
    cells.reduce((peak, { value }) => Math.max(peak, value), 0) || 1
  ];
  return {
    $schema: schema,
    background: 'white',
    title: { text: matrix.title, subtitle: matrix.subtitle, anchor: 'start' },
    width,
    height,
    data: { values: cells },
    mark: { type: 'rect', tooltip: true },
    encoding: {
      x: {
        ...axis(x, width, 18),
        field: 'x'
      },
      y: {
        ...axis(y, height, 12),
        field: 'y'
      },
      color: {
        field: 'value',
        type: 'quantitative',
        title: measure,
        scale:
          low < 0
            ? { domain: [low, high], domainMid: 0, scheme: 'blueorange' }
            : { domain: [low, high], scheme: 'tealblues' },
        legend: { gradientLength: Math.min(height, 120), format: '~g' }
      },
      tooltip: [
        { field: 'row', type: 'nominal', title: y.title ?? 'row' },
        { field: 'column', type: 'nominal', title: x.title ?? 'column' },
        { field: 'value', type: 'quantitative', title: measure, format }
      ]
    },
    config: ROUTING_CONFIG
  };
}

/** The cells that have a value, row by row. */
export function matrixCells({ x, y, values }: MatrixHeatmap): MatrixCell[] {
  const width = x.labels.length;
  return Array.from({ length: width * y.labels.length }, (_, at) => ({
    x: at % width,
    y: Math.floor(at / width),
    column: x.labels[at % width],
    row: y.labels[Math.floor(at / width)],
    value: values[at]
  })).filter(({ value }) => Number.isFinite(value));
}

function size(count: number, most: number): number {
  return Math.min(Math.max(count * CELL, 60), most);
}

function axis(
  { title, labels }: MatrixAxis,
  length: number,
  labelSize: number
): Record<string, unknown> {
  const labelled = labelledIndices(
    labels.length,
    labelStride(labels.length, length, labelSize)
  );
  return {
    type: 'ordinal',
    title,
    scale: bandScale(labels.length),
    axis: {
      values: labelled,
      labelAngle: 0,
      labelExpr: labelExpression(
        new Map(labelled.map(i => [i, labels[i].slice(0, LONGEST_LABEL)]))
      )
    }
  };
}
