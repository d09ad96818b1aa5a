import {
  normalOfStudent,
  studentOfNormal,
  studentOneSided95,
  studentTwoSided95,
  upperStudentQuantile,
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

// scipy.stats.t.isf(tail, df)
it.each([
  [1e-6, 10, 9.751995490925461],
  [0.001, 4, 7.173182219782307],
  [0.2, 19, 0.8609506087600002]
])('has the value that is exceeded with probability %p', (tail, degrees, t) => {
  expect(Math.abs(upperStudentQuantile(tail, degrees) / t - 1)).toBeLessThan(
    1e-6
  );
  expect(upperStudentQuantile(tail, 0)).toBe(Infinity);
});

// scipy.stats.norm.isf(scipy.stats.t.sf(t, df))
it.each([
  [2, 10, 1.790409932739139],
  [6, 4, 2.8875509624471034],
  [3, 30, 2.7827540967507427]
])('has about the normal score of t = %p of %p degrees', (t, degrees, z) => {
  const score = normalOfStudent(t, degrees);
  expect(Math.abs(score / z - 1)).toBeLessThan(0.01);
  expect(studentOfNormal(score, degrees)).toBeCloseTo(t, 9);
  expect(normalOfStudent(-t, degrees)).toBe(0);
});
