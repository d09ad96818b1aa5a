/** Figures of a trace's measures, as the side panel requests them: plain numbers to draw. */
import { count, figure, list, number, object, oneOf, text } from './checks';

export const FIGURE_NAMES = [
  'loads',
  'coactivation',
  'similarity',
  'domains',
  'overTime'
] as const;
export type FigureName = (typeof FIGURE_NAMES)[number];

export interface LoadIntervalRow {
  expert: number;
  selections: number;
  /** Selections / tokens, with its confidence interval. */
  tokenRate: number;
  low: number;
  high: number;
}

export interface LoadIntervals {
  title: string;
  subtitle: string;
  rows: readonly LoadIntervalRow[];
  /** k / E */
  uniform: number;
}

export interface MatrixAxis {
  title: string | null;
  /** One per row or column, in the order of the figure; long ones are truncated. */
  labels: readonly string[];
}

export interface MatrixHeatmap {
  title: string;
  subtitle: string;
  x: MatrixAxis;
  y: MatrixAxis;
  /** [y, x], row-major; null and non-finite cells stay empty. */
  values: readonly (number | null)[];
  /** Name of the measure. */
  measure: string;
  /** Ends of the colour scale. Default 0 and the largest value. A domain that begins below zero uses a diverging scale. */
  domain?: readonly [number, number];
}

export type Drawing =
  | ({ kind: 'intervals' } & LoadIntervals)
  | ({ kind: 'matrix' } & MatrixHeatmap);

/** A figure of one layer of a trace. */
export interface TraceFigure {
  name: FigureName;
  /** Names of all layers of the trace, and the index of the one that is drawn. */
  layers: readonly string[];
  layerIndex: number;
  drawing: Drawing;
  /** The figure as text. */
  text: string;
}

const MAX_LAYERS = 4096;
const MAX_LABELS = 4096;
const MAX_CELLS = 1 << 18;
const MAX_NAME_LENGTH = 200;
const MAX_TEXT_LENGTH = 8000;

/** @throws ProtocolError naming the invalid field */
export function readTraceFigure(value: unknown): TraceFigure {
  const source = object(value, 'figure');
  const layers = list(source.layers, 'layers', MAX_LAYERS).map((name, i) =>
    text(name, `layers[${i}]`, MAX_NAME_LENGTH)
  );
  return {
    name: oneOf(source.name, FIGURE_NAMES, 'name'),
    layers,
    layerIndex: count(
      source.layerIndex,
      'layerIndex',
      Math.max(layers.length - 1, 0)
    ),
    drawing: readDrawing(source.drawing),
    text: text(source.text, 'text', MAX_TEXT_LENGTH)
  };
}

function readDrawing(value: unknown): Drawing {
  const source = object(value, 'drawing');
  const kind = oneOf(source.kind, ['intervals', 'matrix'], 'drawing.kind');
  const words = {
    title: text(source.title, 'title', MAX_TEXT_LENGTH),
    subtitle: text(source.subtitle, 'subtitle', MAX_TEXT_LENGTH)
  };
  return kind === 'intervals'
    ? {
        kind,
        ...words,
        uniform: number(source.uniform, 'uniform'),
        rows: list(source.rows, 'rows', MAX_CELLS).map(readRow)
      }
    : { kind, ...words, ...readMatrix(source) };
}

function readRow(value: unknown, i: number): LoadIntervalRow {
  const row = object(value, `rows[${i}]`);
  const rate = (name: string): number =>
    number(row[name], `rows[${i}].${name}`);
  return {
    expert: count(row.expert, `rows[${i}].expert`),
    selections: count(
      row.selections,
      `rows[${i}].selections`,
      Number.MAX_SAFE_INTEGER
    ),
    tokenRate: rate('tokenRate'),
    low: rate('low'),
    high: rate('high')
  };
}

function readMatrix(
  source: Record<string, unknown>
): Omit<MatrixHeatmap, 'title' | 'subtitle'> {
  const values = list(source.values, 'values', MAX_CELLS).map((cell, i) =>
    figure(cell, `values[${i}]`)
  );
  const domain =
    source.domain === undefined
      ? undefined
      : list(source.domain, 'domain', 2).map(end => number(end, 'domain'));
  return {
    x: readAxis(source.x, 'x'),
    y: readAxis(source.y, 'y'),
    values,
    measure: text(source.measure, 'measure', MAX_NAME_LENGTH),
    ...(domain?.length === 2 ? { domain: [domain[0], domain[1]] } : {})
  };
}

function readAxis(value: unknown, at: string): MatrixAxis {
  const axis = object(value, at);
  return {
    title:
      axis.title === null
        ? null
        : text(axis.title, `${at}.title`, MAX_NAME_LENGTH),
    labels: list(axis.labels, `${at}.labels`, MAX_LABELS).map((label, i) =>
      text(label, `${at}.labels[${i}]`, MAX_NAME_LENGTH)
    )
  };
}
