import {
  studentOneSided95,
  studentTwoSided95,
  upperStudentTail
} from './student-t';

// scipy.stats.t.ppf(0.95, df) and ppf(0.975, df); the same as printed tables to their three decimals.
it.each([
  [1, 6.313751514675037, 12.706204736174694],
  [2, 2.9199855803537242, 4.302652729749462],
  [3, 2.3533634348018233, 3.1824463052837078],
  [5, 2.0150483733330233, 2.5705818356363146],
  [10, 1.8124611228116756, 2.228138851986274],
  [30, 1.697260886593957, 2.0422724563012378],
  [31, 1.6955187825458649, 2.039513446396408],
  [120, 1.6576508993552352, 1.9799304050824402]
])('has the points of %i degrees of freedom', (degrees, oneSided, twoSided) => {
  expect(Math.abs(studentOneSided95(degrees) - oneSided)).toBeLessThan(1e-6);
  expect(Math.abs(studentTwoSided95(degrees) - twoSided)).toBeLessThan(1e-6);
});

it('has no end without a degree of freedom', () => {
  expect(studentTwoSided95(0)).toBe(Infinity);
});

// scipy.stats.t.sf(t, df)
it.each([
  [2, 10, 0.03669401738537018],
  [10, 5, 8.547378787148181e-5],
  [30, 31, 9.036807444822266e-25]
])('has the tail beyond %f with %i degrees of freedom', (t, degrees, p) => {
  expect(upperStudentTail(t, degrees) / p).toBeCloseTo(1, 6);
  expect(upperStudentTail(-t, degrees)).toBeCloseTo(1 - p, 9);
});
