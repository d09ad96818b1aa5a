import {
  jackknife,
  meanInterval,
  studentInterval,
  upperBound,
  wilsonInterval
} from './intervals';

it("agrees with Wilson's for 8 of 10 and the rule of three", () => {
  const { low, high } = wilsonInterval(8, 10);
  expect(low).toBeCloseTo(0.4901625, 6);
  expect(high).toBeCloseTo(0.9433178, 6);
  expect(upperBound(0, 300)).toBeCloseTo(0.01, 12);
  expect(upperBound(0, 0)).toBe(1);
});

it("has a mean's interval as scipy has it", () => {
  // scipy.stats.t.interval(0.95, 3, mean, sem)
  const found = studentInterval([2.1, 3.4, 1.9, 4.0])!;
  expect(found.low).toBeCloseTo(1.2350848767973641, 6);
  expect(found.high).toBeCloseTo(4.464915123202636, 6);
  expect(studentInterval([1])).toBeUndefined();
});

it('takes a mean and its normal interval from sums', () => {
  // 1 and 3, fifty times each: mean 2, standard error sqrt(1 / 99).
  const { low, high } = meanInterval(200, 500, 100);
  expect(low).toBeCloseTo(2 - 1.959963984540054 / Math.sqrt(99), 12);
  expect(high).toBeCloseTo(2 + 1.959963984540054 / Math.sqrt(99), 12);
});

it('has the standard error of a sum for a statistic that is one', () => {
  // Leaving one of 2, 4, 9 out changes the sum by itself: (2 / 3) (4 + 16 + 81).
  const groups = [[2], [4], [9]].map(x => Float64Array.from(x));
  expect(jackknife(groups, ([x]) => x).error).toBeCloseTo(
    Math.sqrt((2 / 3) * 101),
    12
  );
  expect(jackknife([groups[0]], ([x]) => x).error).toBeNaN();
});
