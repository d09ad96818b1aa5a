import { Batches, BatchSizer, type Sized } from './side-by-side';

function cut(
  lengths: readonly number[],
  rows: (length: number) => number,
  padded: boolean
): number[][] {
  const batches = new Batches<Sized>(rows, () => padded);
  const cuts = lengths.map(length => batches.add({ length }));
  return [...cuts, batches.rest()].flatMap(batch =>
    batch ? [batch.map(({ length }) => length)] : []
  );
}

describe('Batches', () => {
  it('keeps the order, fills batches, and loses no pair', () => {
    expect(cut([4, 4, 4, 4, 4], () => 2, false)).toEqual([[4, 4], [4, 4], [4]]);
    expect(cut([], () => 2, false)).toEqual([]);
  });

  it('mixes lengths only where padding is allowed and small', () => {
    expect(cut([10, 11, 30], () => 9, false)).toEqual([[10], [11], [30]]);
    expect(cut([10, 11, 30], () => 9, true)).toEqual([[10, 11], [30]]);
  });
});

describe('BatchSizer', () => {
  /** Runs batches whose tokens take `perToken(tokens)` milliseconds each. */
  function settle(most: number, perToken: (tokens: number) => number): number {
    const sizer = new BatchSizer(most);
    for (let run = 0; run < 40; run++) {
      const tokens = sizer.rows(10) * 10;
      sizer.measured(tokens, tokens * perToken(tokens));
    }
    return sizer.rows(10);
  }

  it('grows while that is faster, up to the memory limit', () => {
    expect(settle(1e6, tokens => 1 + 1000 / tokens)).toBeGreaterThan(8);
    expect(settle(160, tokens => 1 + 1000 / tokens)).toBe(16);
    expect(settle(25, () => 1)).toBe(2);
  });

  it('stays small where larger batches are slower', () => {
    expect(settle(1e6, tokens => tokens)).toBe(8);
  });

  it('never goes below one row', () => {
    expect(new BatchSizer(4).rows(10)).toBe(1);
  });
});
