/** A heatmap of any matrix with named rows and columns: co-activation, similarity, domains, time. */
import type { MatrixAxis, MatrixHeatmap } from '../protocol';
import { bandScale } from './band-scale';
import { heading, type DrawingLook } from './drawing-look';
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';
import { labelExpression, labelledIndices, labelStride } from './token-labels';

export interface MatrixCell {
  x: number;
  y: number;
  column: string;
  row: string;
  value: number;
}

const MAX_LABEL_LENGTH = 24;
const CELL = 20;
/** Width of a character of a label in pixels. */
const CHARACTER = 6;
const MAX_WIDTH = 640;
const MAX_HEIGHT = 560;

export function matrixHeatmapSpec(
  matrix: MatrixHeatmap,
  { schema = VEGA_LITE_6, width: fitted, colors }: DrawingLook = {}
): VegaLiteSpec {
  const { x, y, measure } = matrix;
  const cells = matrixCells(matrix);
  const width = fitted ?? size(x.labels.length, MAX_WIDTH);
  const height = Math.min(
    size(y.labels.length, MAX_HEIGHT),
    // Fitted cells fill the width and are at most as tall as wide.
    Math.max(60, Math.round((width / x.labels.length) * y.labels.length))
  );
  const [low, high] = matrix.domain ?? [
    0,
    cells.reduce((peak, { value }) => Math.max(peak, value), 0) || 1
  ];
  return {
    $schema: schema,
    ...heading(matrix, fitted),
    width,
    height,
    data: { values: cells },
    mark: { type: 'rect', tooltip: true },
    encoding: {
      x: {
        ...axis(x, width, 18, slanted(x, width)),
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
            : { domain: [low, high], ...(colors ?? { scheme: 'tealblues' }) },
        legend: {
          format: '~g',
          ...(fitted === undefined
            ? { gradientLength: Math.min(height, 120) }
            : { orient: 'bottom', gradientLength: Math.min(fitted / 2, 160) })
        }
      },
      tooltip: [
        { field: 'row', type: 'nominal', title: y.title ?? 'row' },
        { field: 'column', type: 'nominal', title: x.title ?? 'column' },
        { field: 'value', type: 'quantitative', title: measure, format: '.3f' }
      ]
    },
    config: ROUTING_CONFIG
  };
}

/** The cells that have a value, in row-major order. */
export function matrixCells({ x, y, values }: MatrixHeatmap): MatrixCell[] {
  const width = x.labels.length;
  return Array.from({ length: width * y.labels.length }, (_, at) => ({
    x: at % width,
    y: Math.floor(at / width),
    column: x.labels[at % width],
    row: y.labels[Math.floor(at / width)],
    value: values[at] as number
  })).filter(({ value }) => Number.isFinite(value));
}

function size(count: number, most: number): number {
  return Math.min(Math.max(count * CELL, 60), most);
}

/** Names that are longer than a column is wide would overlap. */
function slanted(
  { labels }: MatrixAxis,
  width: number
): Record<string, unknown> | undefined {
  const stride = labelStride(labels.length, width, 18);
  const room = (stride * width) / labels.length;
  return labels.some(
    ({ length }) => Math.min(length, MAX_LABEL_LENGTH) * CHARACTER > room
  )
    ? { labelAngle: -40, labelAlign: 'right', labelLimit: 160 }
    : undefined;
}

function axis(
  { title, labels }: MatrixAxis,
  length: number,
  labelSize: number,
  look: Record<string, unknown> = { labelAngle: 0 }
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
      ...look,
      labelExpr: labelExpression(
        new Map(labelled.map(i => [i, labels[i].slice(0, MAX_LABEL_LENGTH)]))
      )
    }
  };
}
