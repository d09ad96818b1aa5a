/** Arithmetic on lists of numbers. */

/** Adds as many entries as `sums` has. */
export function addTo(sums: Float64Array, more: ArrayLike<number>): void {
  for (let i = 0; i < sums.length; i++) {
    sums[i] += more[i];
  }
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += values[i];
  }
  return total;
}

/** The index of the first largest value; -1 of an empty list. */
export function argMax(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if (best < 0 || values[i] > values[best]) {
      best = i;
    }
  }
  return best;
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    total += a[i] * b[i];
  }
  return total;
}
