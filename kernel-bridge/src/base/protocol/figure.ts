/** Figures of a trace's measures, as the side panel asks for them: what is drawn, in plain numbers. */
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
  /** Selections over tokens, with the ends of its interval. */
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
  /** One a row, or a column, in the order of the picture; long ones are cut. */
  labels: readonly string[];
}

export interface MatrixHeatmap {
  title: string;
  subtitle: string;
  x: MatrixAxis;
  y: MatrixAxis;
  /** [y, x], row-major; cells that are null or not finite stay empty. */
  values: readonly (number | null)[];
  /** What a value is. */
  measure: string;
  /** Lower and upper end of the colours; default 0 and the largest value. A domain from below zero takes two hues. */
  domain?: readonly [number, number];
}

export type Drawing =
  | ({ kind: 'intervals' } & LoadIntervals)
  | ({ kind: 'matrix' } & MatrixHeatmap);

/** A figure of one layer of a trace. */
export interface TraceFigure {
  name: FigureName;
  /** Names of all layers of the trace, and which of them is drawn. */
  layers: readonly string[];
  layerIndex: number;
  drawing: Drawing;
  /** The same in words. */
  text: string;
}

const MOST_LAYERS = 4096;
const MOST_LABELS = 4096;
const MOST_CELLS = 1 << 18;
const LONGEST_NAME = 200;
const LONGEST_TEXT = 8000;

/** @throws ProtocolError naming the field that is wrong */
export function readTraceFigure(value: unknown): TraceFigure {
  const source = object(value, 'figure');
  const layers = list(source.layers, 'layers', MOST_LAYERS).map((name, i) =>
    text(name, `layers[${i}]`, LONGEST_NAME)
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
    text: text(source.text, 'text', LONGEST_TEXT)
  };
}

function readDrawing(value: unknown): Drawing {
  const source = object(value, 'drawing');
  const kind = oneOf(source.kind, ['intervals', 'matrix'], 'drawing.kind');
  const words = {
    title: text(source.title, 'title', LONGEST_TEXT),
    subtitle: text(source.subtitle, 'subtitle', LONGEST_TEXT)
  };
  return kind === 'intervals'
    ? {
        kind,
        ...words,
        uniform: number(source.uniform, 'uniform'),
        rows: list(source.rows, 'rows', MOST_CELLS).map(readRow)
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
  const values = list(source.values, 'values', MOST_CELLS).map((cell, i) =>
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
    measure: text(source.measure, 'measure', LONGEST_NAME),
    ...(domain?.length === 2 ? { domain: [domain[0], domain[1]] } : {})
  };
}

function readAxis(value: unknown, at: string): MatrixAxis {
  const axis = object(value, at);
  return {
    title:
      axis.title === null
        ? null
        : text(axis.title, `${at}.title`, LONGEST_NAME),
    labels: list(axis.labels, `${at}.labels`, MOST_LABELS).map((label, i) =>
      text(label, `${at}.labels[${i}]`, LONGEST_NAME)
    )
  };
}
