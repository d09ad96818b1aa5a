/** -sum x ln x in nats of non-negative values divided by their sum; NaN when they are all zero. */
export function entropy(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += values[i];
  }
  let h = 0;
  for (let i = 0; i < values.length; i++) {
    const share = values[i] / total;
    if (share !== 0) {
      h -= share * Math.log(share);
    }
  }
  return h + 0;
}
