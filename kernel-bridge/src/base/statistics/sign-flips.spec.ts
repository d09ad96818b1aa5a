import { randomNumbers } from './random';
import { signFlipTest } from './sign-flips';

const rowsOf = (...columns: number[][]): Float64Array[] =>
  columns[0].map((_, row) => Float64Array.from(columns, own => own[row]));

/** Sums of twelve uniform numbers: nearly normal. */
function noise(random: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) {
    sum += random();
  }
  return sum;
}

describe('the sign-flip test', () => {
  it('counts the ways to choose signs, by hand', async () => {
    // Sums of +-1 +-2 +-3 that are 6 or more away from 0: 2 of 8.
    expect([...(await signFlipTest(rowsOf([1, 2, 3]), 0))]).toEqual([0.25]);
    // At least 2 away: all but 1 + 2 - 3 and its opposite.
    expect([...(await signFlipTest(rowsOf([-1, 2, -3]), 0))]).toEqual([0.75]);
    expect([...(await signFlipTest(rowsOf([2]), 0))]).toEqual([1]);
  });

  it('corrects a column for those that are no stronger', async () => {
    // The first column is corrected for the second; the second, which is weaker, only for itself.
    const together = await signFlipTest(
      rowsOf([4, 4, 4, 4], [1, 1, 1, -1], [0, 0, 0, 0]),
      0
    );
    expect([...together]).toEqual([2 / 16, 10 / 16, 1]);
  });

  it('keeps a stronger column at least as probable', async () => {
    // Alone the weaker column has 2 of 16; the stronger one does not.
    const [strong, weak] = await signFlipTest(
      rowsOf([9, -1, 9, -9], [1, 1, 1, 1]),
      0
    );
    expect(weak).toBeGreaterThanOrEqual(strong);
    expect(strong).toBeGreaterThan(2 / 16);
  });

  it.each([
    [8, 200],
    [16, 60]
  ])(
    'raises few alarms in %i rows, and finds what is there',
    async (rows, runs) => {
      const random = randomNumbers(rows);
      let alarms = 0;
      let found = 0;
      for (let run = 0; run < runs; run++) {
        const table = Array.from({ length: rows }, () =>
          Float64Array.from({ length: 12 }, () => noise(random))
        );
        alarms += (await signFlipTest(table, run)).some(p => p <= 0.05) ? 1 : 0;
        table.forEach(row => (row[3] += 2.5));
        found += (await signFlipTest(table, run))[3] <= 0.05 ? 1 : 0;
      }
      // 5 % and three standard errors.
      expect(alarms / runs).toBeLessThan(
        0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs)
      );
      expect(found / runs).toBeGreaterThan(0.9);
    }
  );

  it('can be stopped', async () => {
    await expect(
      signFlipTest(rowsOf([1, 2, 3]), 0, () => {
        throw new Error('stop');
      })
    ).rejects.toThrow('stop');
  });
});
