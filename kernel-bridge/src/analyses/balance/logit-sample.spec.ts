import { halvesOf, LogitSample } from './logit-sample';

it('puts every second prompt of a domain into the second half, and one alone into both', () => {
  expect(
    halvesOf([
      { domain: 'a' },
      { domain: 'b' },
      { domain: 'a' },
      {},
      { domain: 'a' },
      {}
    ])
  ).toEqual(['first', 'both', 'second', 'first', 'first', 'second']);
});

it('divides a prompt that is in both halves in its middle', () => {
  const sample = new LogitSample();
  // Three tokens of two experts, then one, then one without an order.
  sample.add(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 'both');
  sample.add(Float32Array.of(7, 8), 2, 'second');
  sample.add(Float32Array.of(NaN, 9), 2, 'first');
  const [first, second] = sample
    .halves()
    .map(rows => rows.map(row => [...row]));
  expect(first).toEqual([
    [1, 2],
    [3, 4]
  ]);
  expect(second).toEqual([
    [5, 6],
    [7, 8]
  ]);
  expect(sample.rows).toHaveLength(4);
});
