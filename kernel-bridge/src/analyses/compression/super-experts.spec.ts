import { randomNumbers } from '../../base/statistics/random';
import { superExperts } from './super-experts';

/** Outputs of healthy layers: peaks spread by a factor of 3. */
function healthy(layers: number, experts: number, seed = 1): number[][] {
  const random = randomNumbers(seed);
  return Array.from({ length: layers }, () =>
    Array.from({ length: experts }, () => 1 + 2 * random())
  );
}

it('finds the three of the 6,144 experts of Qwen3-30B-A3B', () => {
  // Their outputs and the next largest, of arXiv 2507.23279, table 1; layers and experts of table 2.
  const layers = healthy(48, 128);
  layers[1][68] = 744;
  layers[2][92] = 540;
  layers[3][82] = 430;
  layers[47][5] = 63.5;
  layers[47][6] = 19.1;
  const found = superExperts(layers);
  expect(
    found.flatMap((own, layer) => own.map(expert => [layer, expert]))
  ).toEqual([
    [1, 68],
    [2, 92],
    [3, 82]
  ]);
});

it('finds two in a small model, whose percentile has room for one', () => {
  const layers = healthy(4, 8);
  layers[1][3] = 300;
  layers[1][6] = 400;
  expect(superExperts(layers)).toEqual([[], [6, 3], [], []]);
});

it('finds none where no expert stands out of its layer', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const layers = healthy(6, 8, seed);
    // The last layer adds most, with each of its experts.
    layers[5] = layers[5].map(value => 40 * value);
    expect(superExperts(layers).flat()).toEqual([]);
  }
});

it.each<[string, number[][]]>([
  ['one expert', [[5]]],
  ['experts that add nothing', [[0, 0, 0]]],
  ['unknown outputs', [[NaN, NaN]]],
  ['one that is known', [[NaN, 7, NaN]]],
  ['no layer', []]
])('is nothing of %s', (_, layers) => {
  expect(superExperts(layers).flat()).toEqual([]);
});

it('compares two experts with each other', () => {
  expect(superExperts([[50, 1]])).toEqual([[0]]);
  expect(superExperts([[5, 1]])).toEqual([[]]);
});
