import { benjaminiHochberg, holm } from './multiple-testing';

it('adjusts p-values as R does', () => {
  // p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.8), "BH")
  const adjusted = benjaminiHochberg([0.01, 0.04, 0.03, 0.005, 0.8]);
  [0.025, 0.05, 0.05, 0.025, 0.8].forEach((value, i) =>
    expect(adjusted[i]).toBeCloseTo(value, 12)
  );
  expect(benjaminiHochberg([0.9, 0.9])).toEqual([0.9, 0.9]);
  expect(benjaminiHochberg([])).toEqual([]);
});

it("corrects as Benjamini and Hochberg's own example does", () => {
  // Their table of 15 p-values, section 4: the first four are significant at 0.05.
  const p = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
    0.324, 0.4262, 0.5719, 0.6528, 0.759, 1
  ];
  expect(benjaminiHochberg(p).filter(value => value <= 0.05)).toHaveLength(4);
  expect(benjaminiHochberg([0.01], 10)).toEqual([0.1]);
  expect(benjaminiHochberg([])).toEqual([]);
});

it('adjusts by Holm as R does', () => {
  // p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.8), "holm")
  const adjusted = holm([0.01, 0.04, 0.03, 0.005, 0.8]);
  [0.04, 0.09, 0.09, 0.025, 0.8].forEach((value, i) =>
    expect(adjusted[i]).toBeCloseTo(value, 12)
  );
  expect(holm([0.9, 0.9])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});
