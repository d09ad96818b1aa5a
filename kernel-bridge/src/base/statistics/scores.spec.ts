import { applyScore } from './scores';

it('agrees with scipy', () => {
  const scores = applyScore(Float32Array.of(1, 2, 5), 'softmax');
  [0.01714783, 0.04661262, 0.93623955].forEach((expected, i) =>
    expect(scores[i]).toBeCloseTo(expected, 6)
  );
  // scipy.special.expit
  expect(applyScore(Float32Array.of(0, 2), 'sigmoid')[1]).toBeCloseTo(
    0.8807970779778823,
    6
  );
});

it('does not overflow, and writes where it is told to', () => {
  const into = new Float32Array(4);
  applyScore(Float32Array.of(1e4, 1e4), 'softmax', into.subarray(1, 3));
  expect([...into]).toEqual([0, 0.5, 0.5, 0]);
});
