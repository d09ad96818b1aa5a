import type { Drawing } from 'moe-debugger/protocol';
import { testContext } from '../testing/context';
import { readingOf } from './reading';

const { trans } = testContext();
const words = { title: 't', subtitle: 's' };
const matrix = (title: string | null): Drawing => ({
  kind: 'matrix',
  ...words,
  x: { title: 'expert', labels: ['4'] },
  y: { title, labels: ['code'] },
  values: [0.5],
  measure: 'share'
});
const intervals: Drawing = {
  kind: 'intervals',
  ...words,
  uniform: 0.5,
  rows: []
};
const cell = { row: 'code', column: '4', value: 0.5 };
const bar = { expert: 3, selections: 7, tokenRate: 0.125, low: 0, high: 0.25 };

describe('readingOf', () => {
  it('names the cell of a matrix', () => {
    expect(readingOf(matrix('domain'), cell, trans)).toBe(
      'domain code, expert 4: share 0.500'
    );
    expect(readingOf(matrix(null), cell, trans)).toBe(
      'code, expert 4: share 0.500'
    );
  });

  it('names the bar of an expert, in percent', () => {
    expect(readingOf(intervals, bar, trans)).toBe(
      'expert 3: 12.5 % of tokens (0.0 to 25.0 %), 7 selections'
    );
  });

  it.each(['row', 'column', 'value'])('is nothing without a %s', key => {
    expect(
      readingOf(matrix(null), { ...cell, [key]: undefined }, trans)
    ).toBeUndefined();
  });

  it.each(['expert', 'tokenRate', 'low', 'high'])(
    'is nothing without a %s',
    key => {
      expect(
        readingOf(intervals, { ...bar, [key]: undefined }, trans)
      ).toBeUndefined();
    }
  );

  it('is nothing outside of the figure', () => {
    expect(readingOf(matrix(null), undefined, trans)).toBeUndefined();
    expect(readingOf(intervals, null, trans)).toBeUndefined();
  });
});
