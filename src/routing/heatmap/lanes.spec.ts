import { placeLanes, rowsOf, shownLayers } from './lanes';

const loads = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('the rows of a layer', () => {
  it('are its experts by number, up to 32', () => {
    const { experts, folded, rowOf } = rowsOf([5, 0, 9]);
    expect(experts).toEqual([0, 1, 2]);
    expect(folded).toBe(0);
    expect([...rowOf]).toEqual([0, 1, 2]);
  });

  it('are the 24 that are used most, of many, and one row for the others', () => {
    const { experts, folded, rowOf } = rowsOf(loads(128));
    expect(experts).toHaveLength(24);
    expect(experts.slice(0, 2)).toEqual([127, 126]);
    expect(folded).toBe(104);
    expect(rowOf[127]).toBe(0);
    expect(rowOf[104]).toBe(23);
    expect(rowOf[103]).toBe(24);
    expect(rowOf[0]).toBe(24);
  });

  it('have the selected expert among them', () => {
    const { experts, folded, rowOf } = rowsOf(loads(128), { kept: 3 });
    expect(experts).toHaveLength(24);
    expect(experts.at(-1)).toBe(3);
    expect(rowOf[3]).toBe(23);
    expect(rowOf[104]).toBe(24);
    expect(folded).toBe(104);
  });

  it('are all when they are opened', () => {
    const { experts, folded } = rowsOf(loads(128), { isOpen: true });
    expect([...experts].sort((a, b) => a - b)).toEqual(loads(128));
    expect(folded).toBe(0);
  });
});

describe('the layers around', () => {
  it('are all, or six on either side of many, or none', () => {
    expect(shownLayers(6, 2, true)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(shownLayers(48, 20, true)).toEqual(
      Array.from({ length: 13 }, (_, i) => 14 + i)
    );
    expect(shownLayers(48, 20, false)).toEqual([20]);
  });

  it('stand below each other without overlap, the layer in focus taller', () => {
    const lanes = placeLanes(
      [0, 1, 2].map(layerIndex => ({ layerIndex, experts: 64 })),
      1,
      rowsOf(loads(64)),
      10
    );
    expect(lanes[0].top).toBe(10);
    for (const i of [1, 2]) {
      const { top, height } = lanes[i - 1];
      expect(lanes[i].top).toBeGreaterThan(top + height);
    }
    expect(lanes.map(({ isFocus }) => isFocus)).toEqual([false, true, false]);
    expect(lanes[1].rows).toBe(25);
    expect(lanes[1].height).toBeGreaterThan(4 * lanes[0].height);
    // 64 experts share 40 rows of a pixel each, in their order.
    expect(lanes[0].rows).toBe(40);
    expect(lanes[0].rowOf[0]).toBe(0);
    expect(lanes[0].rowOf[63]).toBe(39);
  });
});
