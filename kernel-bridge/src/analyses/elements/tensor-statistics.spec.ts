import { HISTOGRAM_BINS, tensorStatistics } from './tensor-statistics';

it('counts, and leaves out what is not finite', () => {
  const values = Float32Array.of(3, -4, 0, 0, NaN, Infinity);
  const own = tensorStatistics(values, [6]);
  expect(own).toMatchObject({
    elements: 6,
    nonFinite: 2,
    zeros: 2,
    norm: 5,
    mean: -0.25,
    min: -4,
    max: 3,
    spectrum: null,
    effectiveRank: null
  });
  // Of 3, -4, 0 and 0 around their mean.
  expect(own.deviation).toBeCloseTo(Math.sqrt(25 / 4 - 0.0625), 9);
  expect(own.histogram).toHaveLength(HISTOGRAM_BINS);
  expect(own.histogram.reduce((sum, count) => sum + count, 0)).toBe(4);
  expect(own.histogram[0]).toBe(1);
  expect(own.histogram[HISTOGRAM_BINS - 1]).toBe(1);
});

it('finds the singular values of a matrix, whichever side is shorter', () => {
  // U diag(3, 1) Vᵀ with rotations by 45 degrees and by acos(3/5): singular values by construction.
  const [c, s] = [Math.SQRT1_2, Math.SQRT1_2];
  const [p, q] = [0.6, 0.8];
  const row = (a: number, b: number): number[] => [
    3 * a * p - b * q,
    3 * a * q + b * p,
    0
  ];
  const wide = [...row(c, -s), ...row(s, c)];
  const tall = [0, 1, 2].flatMap(column => [wide[column], wide[3 + column]]);
  for (const [values, shape] of [
    [wide, [2, 3]],
    [tall, [3, 2]],
    [wide, [1, 2, 3]]
  ] as const) {
    const { spectrum, effectiveRank } = tensorStatistics(
      Float32Array.from(values),
      shape
    );
    expect(spectrum).toHaveLength(2);
    expect(spectrum![0]).toBeCloseTo(3, 5);
    expect(spectrum![1]).toBeCloseTo(1, 5);
    // exp(-(0.75 ln 0.75 + 0.25 ln 0.25))
    expect(effectiveRank).toBeCloseTo(1.7548, 3);
  }
});

it('says why a matrix has no spectrum', () => {
  const note = (values: Float32Array, shape: number[]) =>
    tensorStatistics(values, shape).note;
  expect(note(new Float32Array(8), [2, 2])).toMatch(/packs this tensor/);
  expect(note(Float32Array.of(1, NaN, 1, 1), [2, 2])).toMatch(/not finite/);
  expect(note(new Float32Array(600 * 600), [600, 600])).toMatch(
    /600 × 600 would take seconds/
  );
  expect(note(new Float32Array(4), [4])).toBeUndefined();
  expect(tensorStatistics(new Float32Array(4), [2, 2])).toMatchObject({
    spectrum: [0, 0],
    effectiveRank: null
  });
  expect(tensorStatistics(new Float32Array(0), [0])).toMatchObject({
    elements: 0,
    min: 0,
    max: 0
  });
});
