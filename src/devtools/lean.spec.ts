import { outlineRouter } from '../testing/fake-source';
import { leanClass, leanOf } from './lean';

/** Two experts; 100 tokens of each domain; the first expert takes the given numbers. */
const router = (takes: number[], tokens = 100) =>
  outlineRouter(0, {
    experts: 2,
    domainTokens: Int32Array.from(takes, () => tokens),
    domainCounts: Int32Array.from(takes.flatMap(count => [count, 0]))
  });

it.each([
  // Mean rate 0.25: 1.8 times is 0.45, 2.5 times 0.625.
  [[44, 19, 19, 18], undefined],
  [[46, 18, 18, 18], { domain: 0, isFull: false }],
  [[10, 10, 63, 17], { domain: 2, isFull: true }],
  [[0, 0, 0, 0], undefined],
  [[100], undefined]
])('of rates %p the lean is %p', (takes, lean) => {
  expect(leanOf(router(takes), 0)).toEqual(lean);
});

it('leaves out domains of few tokens', () => {
  const few = outlineRouter(0, {
    experts: 1,
    domainTokens: Int32Array.of(100, 100, 5),
    domainCounts: Int32Array.of(90, 10, 5)
  });
  // 0.9 against a mean of 0.5; the third domain's rate of 1 does not count.
  expect(leanOf(few, 0)).toEqual({ domain: 0, isFull: false });
});

it('gives seven domains a colour of their own', () => {
  expect(leanClass({ domain: 6, isFull: true })).toBe('moe-Class-6');
  expect(leanClass({ domain: 0, isFull: false })).toBe(
    'moe-Class-0 moe-mod-pale'
  );
  expect(leanClass({ domain: 7, isFull: true })).toBe('');
  expect(leanClass(undefined)).toBe('');
});
