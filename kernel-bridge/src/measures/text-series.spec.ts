/** Rows of texts in the order of time. */
import { MAX_ROWS, TextSeries } from './text-series';

it('has a row a text, whatever parts it comes in', () => {
  const series = new TextSeries(2);
  for (let text = 0; text < 3; text++) {
    series.begin();
    series.add([1, text], 5);
    series.add([1, 0], 2);
    series.add([0, 0], 0);
  }
  expect(series.texts).toBe(3);
  expect(series.rows.map(({ tokens, counts }) => [tokens, ...counts])).toEqual([
    [7, 2, 0],
    [7, 2, 1],
    [7, 2, 2]
  ]);
});

it('joins texts when there are too many, and loses none', () => {
  const series = new TextSeries(1);
  const texts = 1000;
  for (let text = 0; text < texts; text++) {
    series.begin();
    series.add([text], 1);
  }
  expect(series.rows.length).toBeLessThanOrEqual(MAX_ROWS);
  expect(series.textsPerRow).toBe(8);
  expect(series.rows.slice(0, -1).map(({ tokens }) => tokens)).toEqual(
    Array(series.rows.length - 1).fill(8)
  );
  expect(series.rows.reduce((sum, { counts }) => sum + counts[0], 0)).toBe(
    (texts * (texts - 1)) / 2
  );
});
