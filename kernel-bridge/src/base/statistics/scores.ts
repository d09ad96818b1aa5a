/**
 * Applies a router's score function to one token's logits: softmax over the row, or a sigmoid of each value.
 * @param into output array, as long as `row`
 */
export function applyScore(
  row: Float32Array,
  score: 'softmax' | 'sigmoid',
  into: Float32Array<ArrayBuffer> = new Float32Array(row.length)
): Float32Array<ArrayBuffer> {
  // Plain loops: this runs for every token of fused routers, and for many tokens of others during validation.
  if (score === 'sigmoid') {
    for (let i = 0; i < row.length; i++) {
      into[i] = 1 / (1 + Math.exp(-row[i]));
    }
    return into;
  }
  let peak = -Infinity;
  for (let i = 0; i < row.length; i++) {
    peak = Math.max(peak, row[i]);
  }
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    into[i] = Math.exp(row[i] - peak);
    sum += into[i];
  }
  for (let i = 0; i < row.length; i++) {
    into[i] /= sum;
  }
  return into;
}
