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

/** -sum x ln x in nats of non-negative values divided by their sum; NaN when they are all zero. */
export function entropy(values: ArrayLike<number>): number {
  const total = sum(values);
  let h = 0;
  for (let i = 0; i < values.length; i++) {
    const share = values[i] / total;
    if (share !== 0) {
      h -= share * Math.log(share);
    }
  }
  return h + 0;
}
