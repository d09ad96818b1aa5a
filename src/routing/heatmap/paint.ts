import type { RoutingLayer } from 'moe-debugger/protocol';
import type { IRange } from './range';

/** Colours for 256 steps of a scale, as pixels in this machine's byte order. */
export type Palette = Uint32Array;

/** What is painted of a layer, and where. */
export interface IPainting {
  layer: RoutingLayer;
  /** [tokens, experts]; absent for the weights of the selected experts, which are painted without it. */
  values?: Float32Array;
  /** Tokens of the image. */
  range: IRange;
  /** Of the image, in pixels. A column of several tokens, like a row of several experts, shows the largest value. */
  columns: number;
  rows: number;
  /** The row of each expert. */
  rowOf: Int32Array;
  palette: Palette;
  /** The value of the last colour. */
  ceiling: number;
  /** Whether colours follow the logarithm of the value. */
  isLog?: boolean;
}

/** The value of the first colour of a logarithmic scale, as a share of the last. */
export const LOG_FLOOR = 1e-4;

/** Paints cells into `pixels`, [rows, columns]: cells of zero and cells without a value stay transparent. */
export function paintCells(pixels: Uint32Array, painting: IPainting): void {
  const { columns, rows, palette, ceiling, isLog = false } = painting;
  const peaks = new Float32Array(columns * rows);
  if (painting.values) {
    collectValues(peaks, painting, painting.values);
  } else {
    collectWeights(peaks, painting);
  }
  const steps = palette.length - 1;
  for (let i = 0; i < peaks.length; i++) {
    const value = peaks[i];
    if (value > 0) {
      const share = isLog
        ? 1 - Math.log(value / ceiling) / Math.log(LOG_FLOOR)
        : value / ceiling;
      // The least value is seen, and what is above the scale has its last colour.
      pixels[i] = palette[Math.round(Math.max(0, Math.min(1, share)) * steps)];
    } else {
      pixels[i] = 0;
    }
  }
}

/** The column of each token of the range. */
function columnsOf(
  { from, to }: IRange,
  columns: number
): (t: number) => number {
  const scale = columns / (to - from);
  return token =>
    Math.max(
      0,
      Math.min(columns - 1, Math.floor((token + 0.5 - from) * scale))
    );
}

function tokensOf({ from, to }: IRange, tokens: number): [number, number] {
  return [Math.max(0, Math.floor(from)), Math.min(tokens, Math.ceil(to))];
}

function collectWeights(
  peaks: Float32Array,
  { layer, range, columns, rowOf }: IPainting
): void {
  const { selected, weights, topK } = layer;
  const column = columnsOf(range, columns);
  const [from, to] = tokensOf(range, topK > 0 ? selected.length / topK : 0);
  for (let token = from; token < to; token++) {
    const x = column(token);
    for (let slot = token * topK; slot < (token + 1) * topK; slot++) {
      const expert = selected[slot];
      if (expert >= 0) {
        const at = rowOf[expert] * columns + x;
        const value = weights.length > 0 ? weights[slot] : 1;
        if (value > peaks[at]) {
          peaks[at] = value;
        }
      }
    }
  }
}

function collectValues(
  peaks: Float32Array,
  { layer: { experts }, range, columns, rowOf }: IPainting,
  values: Float32Array
): void {
  const column = columnsOf(range, columns);
  const [from, to] = tokensOf(range, values.length / experts);
  for (let token = from; token < to; token++) {
    const x = column(token);
    const start = token * experts;
    for (let expert = 0; expert < experts; expert++) {
      const at = rowOf[expert] * columns + x;
      const value = values[start + expert];
      if (value > peaks[at]) {
        peaks[at] = value;
      }
    }
  }
}

/** Reads 256 colours of a scale as pixels. */
export function readPalette(color: (share: number) => string): Palette {
  const canvas = document.createElement('canvas');
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) {
    return new Uint32Array(256);
  }
  for (let i = 0; i < 256; i++) {
    context.fillStyle = color(i / 255);
    context.fillRect(i, 0, 1, 1);
  }
  return new Uint32Array(context.getImageData(0, 0, 256, 1).data.buffer);
}
