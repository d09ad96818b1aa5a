import { layer } from '../../testing/documents';
import { paintCells, type IPainting } from './paint';

/** A colour that says its step. */
const palette = Uint32Array.from({ length: 256 }, (_, step) => step + 1);

function painted(more: Partial<IPainting> = {}): number[][] {
  const painting: IPainting = {
    layer: layer(0),
    range: { from: 0, to: 3 },
    columns: 3,
    rows: 4,
    rowOf: Int32Array.of(0, 1, 2, 3),
    palette,
    ceiling: 1,
    ...more
  };
  const pixels = new Uint32Array(painting.rows * painting.columns).fill(99);
  paintCells(pixels, painting);
  return Array.from({ length: painting.rows }, (_, row) => [
    ...pixels.subarray(row * painting.columns, (row + 1) * painting.columns)
  ]);
}

/** The colour of a value between 0 and 1. */
const color = (value: number) => Math.round(value * 255) + 1;

describe('paintCells', () => {
  // Tokens choose 0 (0.25) and 3 (0.75), 3 (0.5) and 2 (0.5), 1 (1) and none.
  it('paints the weight of each selected expert, and leaves the rest empty', () => {
    expect(painted()).toEqual([
      [color(0.25), 0, 0],
      [0, 0, color(1)],
      [0, color(0.5), 0],
      [color(0.75), color(0.5), 0]
    ]);
  });

  it('paints the largest value where tokens or experts share a pixel', () => {
    expect(painted({ columns: 1 })).toEqual([
      [color(0.25)],
      [color(1)],
      [color(0.5)],
      [color(0.75)]
    ]);
    expect(painted({ rows: 2, rowOf: Int32Array.of(0, 0, 1, 1) })).toEqual([
      [color(0.25), 0, color(1)],
      [color(0.75), color(0.5), 0]
    ]);
  });

  it('paints a part of the tokens', () => {
    expect(painted({ range: { from: 1, to: 3 }, columns: 2 })).toEqual([
      [0, 0],
      [0, color(1)],
      [color(0.5), 0],
      [color(0.5), 0]
    ]);
  });

  it('paints given values of all experts, and none that is no number', () => {
    const values = Float32Array.of(
      0.1,
      0.2,
      0.3,
      0.4,
      NaN,
      0,
      2,
      1,
      0,
      0,
      0,
      0
    );
    expect(painted({ values, rows: 4 })).toEqual([
      [color(0.1), 0, 0],
      [color(0.2), 0, 0],
      [color(0.3), color(1), 0],
      [color(0.4), color(1), 0]
    ]);
  });

  it('paints small values apart by their logarithm', () => {
    const values = Float32Array.of(1, 0.02, 1e-4, 1e-9);
    const rows = painted({
      values,
      isLog: true,
      range: { from: 0, to: 1 },
      columns: 1
    });
    expect(rows.flat()).toEqual([
      color(1),
      // Of four decades, 1.7 below the end.
      color(1 - Math.log10(1 / 0.02) / 4),
      color(0),
      color(0)
    ]);
  });

  it('paints selections without recorded weights in full', () => {
    const own = layer(0, { weights: new Float32Array(0) });
    expect(painted({ layer: own })[0]).toEqual([color(1), 0, 0]);
  });
});
