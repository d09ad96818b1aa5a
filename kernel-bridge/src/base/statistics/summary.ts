/** Means, medians and deviations. */

/** NaN of an empty list. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
  }
  return sum / values.length;
}

/** NaN of an empty list. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Sample standard deviation (n - 1); 0 for a single value. */
export function sampleDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(squares(values) / Math.max(1, values.length - 1));
}

/** Population standard deviation (n). */
export function populationDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(squares(values) / values.length);
}

function squares(values: ArrayLike<number>): number {
  const centre = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += (values[i] - centre) ** 2;
  }
  return sum;
}
