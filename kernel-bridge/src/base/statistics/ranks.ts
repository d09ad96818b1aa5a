/**
 * Ranks from 1, smallest value first; equal values share the mean of their ranks.
 * @returns `ties`: the sum of t^3 - t over groups of t equal values, which corrects variances of ranks
 */
export function midRanks(values: ArrayLike<number>): {
  ranks: Float64Array;
  ties: number;
} {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a] - values[b]
  );
  const ranks = new Float64Array(values.length);
  let ties = 0;
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) {
      end++;
    }
    for (let i = start; i < end; i++) {
      ranks[order[i]] = (start + 1 + end) / 2;
    }
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  return { ranks, ties };
}

/** How many of ascending values are below another. */
export function countBelow(ascending: Float64Array, value: number): number {
  let from = 0;
  let to = ascending.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ascending[middle] < value) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}
