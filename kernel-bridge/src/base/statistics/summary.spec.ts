import { mean, median, populationDeviation, sampleDeviation } from './summary';

const values = [2.1, 3.4, 1.9, 4];

it('has means, medians and deviations as NumPy has them', () => {
  expect(mean(values)).toBeCloseTo(2.85, 12);
  expect(median(values)).toBeCloseTo(2.75, 12);
  expect(median([5, 1, 4])).toBe(4);
  expect(populationDeviation(values)).toBeCloseTo(0.8789197915623472, 12);
  expect(sampleDeviation(values)).toBeCloseTo(1.014889156509222, 12);
  expect(sampleDeviation([7])).toBe(0);
});

it('has none of nothing', () => {
  expect(mean([])).toBeNaN();
  expect(median([])).toBeNaN();
});
