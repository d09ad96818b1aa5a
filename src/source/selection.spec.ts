import { Selection } from '.';

describe('Selection', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('keeps what a change does not name, and tells of changes only', () => {
    const selection = new Selection();
    let told = 0;
    selection.changed.connect(() => told++);
    selection.set({ layerIndex: 2, expert: 5 });
    selection.set({ token: 7 });
    selection.set({ token: 7 });
    expect(selection.current).toEqual({ layerIndex: 2, expert: 5, token: 7 });
    selection.set({ expert: undefined });
    expect(selection.current.expert).toBeUndefined();
    expect(told).toBe(3);
  });

  it('goes back and forward, and forgets what was ahead at a new step', () => {
    const selection = new Selection();
    selection.back();
    [1, 2, 3].forEach(token => selection.set({ token }));
    selection.back();
    selection.back();
    expect(selection.current.token).toBe(1);
    selection.forward();
    expect(selection.current.token).toBe(2);
    expect([selection.canGoBack, selection.canGoForward]).toEqual([true, true]);
    selection.set({ token: 9 });
    expect(selection.canGoForward).toBe(false);
    selection.forward();
    expect(selection.current.token).toBe(9);
    selection.back();
    expect(selection.current.token).toBe(2);
  });

  it('counts the moves of a held key as one step, until it rests', () => {
    const selection = new Selection();
    for (const token of [1, 2, 3]) {
      selection.set({ token }, { moving: 'table' });
      jest.advanceTimersByTime(100);
    }
    jest.advanceTimersByTime(600);
    selection.set({ token: 4 }, { moving: 'table' });
    selection.back();
    expect(selection.current.token).toBe(3);
    selection.back();
    expect(selection.current.token).toBeUndefined();
  });

  it('counts moves at two places as two steps', () => {
    const selection = new Selection();
    selection.set({ token: 1 }, { moving: 'table' });
    selection.set({ token: 2 }, { moving: 'heatmap' });
    selection.back();
    expect(selection.current.token).toBe(1);
  });

  it('keeps the last 200 steps', () => {
    const selection = new Selection();
    for (let token = 0; token < 300; token++) {
      selection.set({ token });
    }
    while (selection.canGoBack) {
      selection.back();
    }
    expect(selection.current.token).toBe(100);
  });
});
