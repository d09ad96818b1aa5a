import fc from 'fast-check';
import type { Convention } from './convention';
import { route } from './route';
import { marginScale, selectionMargin } from './selection-margin';

const softmax: Convention = {
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: true
};
const chosen = (row: readonly number[], k: number, convention: Convention) =>
  [...route(Float32Array.from(row), row.length, k, convention).selected].sort(
    (a, b) => a - b
  );

describe('selectionMargin', () => {
  it('is the k-th minus the (k+1)-th logit where the choice follows the logits', () => {
    const row = Float32Array.of(0.5, 2, -1, 1.25);
    expect(selectionMargin(row, 1, 'logits', softmax)).toBe(0.75);
    expect(selectionMargin(row, 2, 'logits', softmax)).toBe(0.75);
    expect(selectionMargin(row, 3, 'logits', softmax)).toBe(1.5);
    expect(selectionMargin(row, 3, 'logits')).toBe(1.5);
    expect(marginScale({ logitsAre: 'logits' }, softmax)).toBe('logits');
  });

  it('is the difference of scores with their selection bias, where there is one', () => {
    const biased: Convention = {
      ...softmax,
      score: 'sigmoid',
      selectionBias: [0, 0.375, 0]
    };
    // Scores 0.5, 0.5 and nearly 1: the bias puts the second at 0.875.
    const row = Float32Array.of(0, 0, 20);
    expect(selectionMargin(row, 1, 'logits', biased)).toBeCloseTo(0.125, 6);
    expect(selectionMargin(row, 2, 'logits', biased)).toBeCloseTo(0.375, 6);
    expect(marginScale({ logitsAre: 'logits' }, biased)).toBe('scores');
    expect(marginScale({ logitsAre: 'probabilities' }, softmax)).toBe('scores');
  });

  it('excludes experts of rejected groups, and includes the margin between groups', () => {
    const grouped: Convention = {
      ...softmax,
      groups: { count: 2, selected: 1, score: 'max' }
    };
    // The second group has the highest score. Expert 2.5 of the first is rejected with its group, by a margin of 0.5.
    const row = Float32Array.of(2.5, 0, 3, 1);
    expect(selectionMargin(row, 1, 'logits', grouped)).toBe(0.5);
    expect(
      selectionMargin(Float32Array.of(-5, 0, 3, 1), 1, 'logits', grouped)
    ).toBe(2);
  });

  it.each([
    ['all experts are chosen', Float32Array.of(1, 2), 2],
    ['a logit is not a number', Float32Array.of(1, NaN, 2), 1],
    ['a logit is infinite', Float32Array.of(1, Infinity, 2), 1],
    ['the others are masked', Float32Array.of(1, -1e30, -1e30), 1]
  ])('is none where %s', (_, row, k) => {
    expect(selectionMargin(row, k, 'logits', softmax)).toBeNaN();
  });

  it('is how far one expert can move before the choice changes', () => {
    const number = fc.float({ min: -4, max: 4, noNaN: true });
    const groups = fc.constantFrom(
      undefined,
      { count: 3, selected: 2, score: 'top2-sum' as const },
      { count: 3, selected: 1, score: 'top2-sum' as const }
    );
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 1, max: 2 }),
        groups,
        fc.integer({ min: 0, max: 5 }),
        fc.boolean(),
        (row, k, grouping, expert, up) => {
          const convention = (shift: number): Convention => ({
            ...softmax,
            score: 'sigmoid',
            selectionBias: row.map((_, e) => (e === expert ? shift : 0)),
            ...(grouping ? { groups: grouping } : {})
          });
          const margin = selectionMargin(
            Float32Array.from(row),
            k,
            'logits',
            convention(0)
          );
          const before = chosen(row, k, convention(0));
          fc.pre(margin > 1e-4);
          const nearly = (up ? 1 : -1) * (margin - 5e-5);
          expect(chosen(row, k, convention(nearly))).toEqual(before);
          if (!grouping && margin > 0) {
            // The last chosen expert falls below the first rejected one.
            const scores = row.map(x => 1 / (1 + Math.exp(-x)));
            const last = before.reduce((a, b) =>
              scores[a] <= scores[b] ? a : b
            );
            const fallen = {
              ...convention(0),
              selectionBias: row.map((_, e) =>
                e === last ? -(margin + 5e-5) : 0
              )
            };
            expect(chosen(row, k, fallen)).not.toEqual(before);
          }
        }
      )
    );
  });
});
