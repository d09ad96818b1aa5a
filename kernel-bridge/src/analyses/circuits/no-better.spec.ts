import type { CircuitPoint } from '../../base/protocol';
import { noBetterThanRandom } from './find-circuit';

const point = (
  faithfulness: number | null,
  mean: number | null
): CircuitPoint => ({
  size: 1,
  threshold: 1,
  value: 0,
  faithfulness,
  random: { circuits: 3, mean, deviation: 0.1 }
});
const said = (...points: CircuitPoint[]): string[] =>
  noBetterThanRandom({ of: 'edges', total: 9, points });

it('tells of a circuit that random ones equal at half of the sizes or more', () => {
  expect(said(point(0.2, 0.3), point(0.9, 0.5))).toEqual([
    'at 1 of 2 sizes, random edges bring the target as near to the clean run as those of the largest effects: the circuit explains little'
  ]);
  // Above 1 is as far from the clean run as below.
  expect(said(point(1.6, 0.6))).toHaveLength(1);
});

it('tells nothing of one that is better, nor of what was not measured', () => {
  expect(said(point(0.4, 0.1), point(0.9, 0.5), point(0.2, 0.3))).toEqual([]);
  expect(said(point(null, 0.5), point(0.5, null))).toEqual([]);
  expect(said()).toEqual([]);
});
