/** Copies rows of row-major arrays. */
const KINDS = { Float32Array, Int32Array, Uint8Array } as const;

/** The rows of `values`, each of `width` numbers, in an array of its own. */
export function takeRows<T extends Float32Array | Int32Array | Uint8Array>(
  values: T,
  rows: readonly number[],
  width: number
): T {
  // By its name, since an array may come from another thread's realm.
  const taken = new KINDS[values[Symbol.toStringTag]](rows.length * width);
  rows.forEach((row, i) =>
    taken.set(values.subarray(row * width, (row + 1) * width), i * width)
  );
  return taken as T;
}
