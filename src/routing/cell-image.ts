/** Colours for 256 steps of a scale, as pixels. */
export type Palette = Uint32Array;

/** Geometry of the cells of an image. */
export interface IGrid {
  columns: number;
  rows: number;
  /** Of the image, in pixels. */
  width: number;
  height: number;
}

/** Narrower cells touch; wider ones are separated by a line of background. */
const LEAST_FOR_GAP = 5;

/**
 * Paints cells into `pixels` ([height, width]). `values` is [columns, rows], row-major, like [tokens, experts]; a
 * NaN leaves the background visible, as for an unselected expert.
 */
export function paintCells(
  pixels: Uint32Array,
  { columns, rows, width, height }: IGrid,
  values: Float32Array,
  palette: Palette,
  ceiling: number
): void {
  const steps = palette.length - 1;
  const column = edges(columns, width);
  const row = edges(rows, height);
  const columnGap = width / columns >= LEAST_FOR_GAP ? 1 : 0;
  const rowGap = height / rows >= LEAST_FOR_GAP ? 1 : 0;
  // A trace in the making has room for columns to come.
  const painted = Math.min(columns, Math.floor(values.length / rows));
  pixels.fill(0);
  for (let r = 0; r < rows; r++) {
    const from = row[r];
    const to = Math.max(from + 1, row[r + 1] - rowGap);
    if (from >= height) {
      break;
    }
    const line = pixels.subarray(from * width, (from + 1) * width);
    for (let c = 0; c < painted; c++) {
      const value = values[c * rows + r];
      if (Number.isNaN(value)) {
        continue;
      }
      const step = Math.max(0, Math.min(1, value / ceiling)) * steps;
      line.fill(
        palette[Math.round(step)],
        column[c],
        Math.max(column[c] + 1, column[c + 1] - columnGap)
      );
    }
    for (let y = from + 1; y < to; y++) {
      pixels.copyWithin(y * width, from * width, (from + 1) * width);
    }
  }
}

/** Pixel edges of `count` equal parts of `length`, rounded so that no two parts overlap. */
function edges(count: number, length: number): Int32Array {
  return Int32Array.from({ length: count + 1 }, (_, i) =>
    Math.round((i * length) / count)
  );
}

/** Reads 256 colours of a scale as pixels, in this machine's byte order. */
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
