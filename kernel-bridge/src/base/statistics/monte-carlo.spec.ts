import { monteCarloP } from './monte-carlo';

it('never gives a p of zero', () => {
  expect(monteCarloP(0, 99)).toBe(0.01);
  expect(monteCarloP(99, 99)).toBe(1);
});
