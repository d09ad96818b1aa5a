import { paintCells } from './cell-image';

const palette = Uint32Array.from({ length: 256 }, (_, i) => 1000 + i);

describe('paintCells', () => {
  it('draws tokens as columns and experts as rows, with NaN as background', () => {
    const pixels = new Uint32Array(6);
    paintCells(
      pixels,
      { columns: 3, rows: 2, width: 3, height: 2 },
      Float32Array.of(0, NaN, 0.5, 1, NaN, 2),
      palette,
      1
    );
    expect([...pixels]).toEqual([1000, 1128, 0, 0, 1255, 1255]);
  });

  it('leaves a line of background between wide cells', () => {
    const pixels = new Uint32Array(12 * 6);
    paintCells(
      pixels,
      { columns: 2, rows: 1, width: 12, height: 6 },
      Float32Array.of(1, 1),
      palette,
      1
    );
    const row = [...pixels.subarray(0, 12)].map(Boolean);
    expect(row.map(Number).join('')).toBe('111110111110');
    expect([...pixels.subarray(60)].every(value => value === 0)).toBe(true);
  });

  it('draws more cells than pixels without leaving the image', () => {
    const pixels = new Uint32Array(4);
    paintCells(
      pixels,
      { columns: 100, rows: 50, width: 2, height: 2 },
      new Float32Array(5000).fill(1),
      palette,
      1
    );
    expect([...pixels]).toEqual([1255, 1255, 1255, 1255]);
  });
});
