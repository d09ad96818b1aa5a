import { selectionBiasOf } from './adjustment';

it('takes the row of a token, or the only one', () => {
  const shared = Float32Array.of(1, 2);
  expect(selectionBiasOf({ selectionBias: shared } as never, 2, 5)).toBe(
    shared
  );
  const rows = Float32Array.of(1, 2, 3, 4);
  expect([...selectionBiasOf({ selectionBias: rows } as never, 2, 1)!]).toEqual(
    [3, 4]
  );
  expect(selectionBiasOf({} as never, 2, 0)).toBeUndefined();
});
