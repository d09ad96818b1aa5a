import { correlation } from './correlation';

describe('correlation', () => {
  it('is that of Anscombe’s first data set', () => {
    // Anscombe 1973, "Graphs in Statistical Analysis": r = 0.816.
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [
      8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68
    ];
    const found = correlation(x.map((value, i) => [value, y[i]]));
    expect(found.pearson).toBeCloseTo(0.8164, 4);
    expect(found).toMatchObject({ sameSign: 1, n: 11 });
  });

  it('gives ties the mean of their ranks', () => {
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
    const found = correlation([
      [1, 10],
      [2, 20],
      [2, 30],
      [9, 40]
    ]);
    expect(found.spearman).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  });

  it('is undefined for constant or single values', () => {
    expect(correlation([])).toEqual({
      pearson: null,
      spearman: null,
      sameSign: null,
      n: 0
    });
    expect(
      correlation([
        [1, 2],
        [1, -3]
      ])
    ).toEqual({ pearson: null, spearman: null, sameSign: 0.5, n: 2 });
  });
});
