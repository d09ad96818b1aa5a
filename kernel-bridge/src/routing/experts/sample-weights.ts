/** A regular sample of an expert's weights: enough to compare all pairs of experts. */

/** Weights sampled per tensor: the cosine of so many is off by at most 0.01. */
const SAMPLED = 1 << 15;

/** @param parts one vector a stored tensor */
export function sampledWeights(parts: readonly Float32Array[]): Float32Array {
  return concatenate(parts.map(sampled));
}

export function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Every n-th value; n is odd so that every column of a matrix is sampled. */
function sampled(values: Float32Array): Float32Array {
  const stride = Math.ceil(values.length / SAMPLED) | 1;
  return stride === 1
    ? values
    : Float32Array.from(
        { length: Math.floor(values.length / stride) },
        (_, i) => values[i * stride]
      );
}
