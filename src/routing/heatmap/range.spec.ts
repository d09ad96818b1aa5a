import { centred, containing, panned, within, zoomed } from './range';

describe('the range of tokens in view', () => {
  it('stays within the columns, and keeps its width where it can', () => {
    expect(within({ from: -5, to: 15 }, 100)).toEqual({ from: 0, to: 20 });
    expect(within({ from: 90, to: 110 }, 100)).toEqual({ from: 80, to: 100 });
    expect(within({ from: 0, to: 500 }, 100)).toEqual({ from: 0, to: 100 });
    expect(within({ from: 50, to: 51 }, 100)).toEqual({ from: 50, to: 58 });
    expect(within({ from: 0, to: 9 }, 3)).toEqual({ from: 0, to: 3 });
  });

  it('zooms around the column that is pointed at', () => {
    expect(zoomed({ from: 0, to: 100 }, 2, 25, 100)).toEqual({
      from: 12.5,
      to: 62.5
    });
    expect(zoomed({ from: 12.5, to: 62.5 }, 1 / 2, 25, 100)).toEqual({
      from: 0,
      to: 100
    });
    // Neither beyond the fewest columns nor beyond all.
    expect(zoomed({ from: 40, to: 50 }, 100, 45, 100)).toEqual({
      from: 41,
      to: 49
    });
    expect(zoomed({ from: 40, to: 50 }, 1e-3, 45, 100)).toEqual({
      from: 0,
      to: 100
    });
  });

  it('moves by as little as possible, or to the middle', () => {
    const range = { from: 20, to: 40 };
    expect(containing(range, { from: 25, to: 26 }, 100)).toEqual(range);
    expect(containing(range, { from: 45, to: 46 }, 100)).toEqual({
      from: 26,
      to: 46
    });
    expect(containing(range, { from: 3, to: 4 }, 100)).toEqual({
      from: 3,
      to: 23
    });
    expect(containing(range, { from: 10, to: 70 }, 100)).toEqual({
      from: 10,
      to: 70
    });
    expect(centred(range, { from: 69, to: 71 }, 100)).toEqual({
      from: 60,
      to: 80
    });
    expect(panned(range, 1000, 100)).toEqual({ from: 80, to: 100 });
  });
});
