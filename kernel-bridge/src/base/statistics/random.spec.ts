import { drawn, randomNumbers } from './random';

describe('randomNumbers', () => {
  // Computed by an implementation of sfc32 and splitmix32 in Python.
  it.each([
    [0, [0.12763400566170402, 0.5167204543015397, 0.810084974068444]],
    [1, [0.2632282197728907, 0.7019734399297498, 0.6365781926529196]],
    [42, [0.890780191354953, 0.3220651388711815, 0.6512069328983437]],
    [
      2 ** 40 + 7,
      [0.7392220121955749, 0.9297307891822724, 0.025882322766188515]
    ]
  ])('gives the same numbers for seed %i everywhere', (seed, expected) => {
    const next = randomNumbers(seed);
    expect([next(), next(), next()]).toEqual(expected);
  });

  it('is uniform: chi-square of 100 bins stays below its 99.9 % quantile', () => {
    const next = randomNumbers(7);
    const bins = new Array<number>(100).fill(0);
    const draws = 200_000;
    for (let i = 0; i < draws; i++) {
      bins[Math.floor(next() * bins.length)]++;
    }
    const expected = draws / bins.length;
    expect(
      bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    ).toBeLessThan(148.2);
  });
});

describe('drawn', () => {
  it('takes each pair of four about as often', () => {
    const random = randomNumbers(3);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const pair = drawn(['a', 'b', 'c', 'd'], 2, random).sort().join('');
      seen.set(pair, (seen.get(pair) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual([
      'ab',
      'ac',
      'ad',
      'bc',
      'bd',
      'cd'
    ]);
    const chiSquare = [...seen.values()].reduce(
      (sum, n) => sum + (n - 1000) ** 2 / 1000,
      0
    );
    // The 99.9 % quantile with 5 degrees of freedom; the seed is fixed.
    expect(chiSquare).toBeLessThan(20.52);
  });

  it('takes all, in another order, and leaves the list as it was', () => {
    const list = Array.from({ length: 20 }, (_, i) => i);
    const order = drawn(list, 20, randomNumbers(1));
    expect(list[7]).toBe(7);
    expect(order).not.toEqual(list);
    expect(order.sort((a, b) => a - b)).toEqual(list);
  });
});
