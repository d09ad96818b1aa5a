/** How alike experts are: in their weights, their outputs, and the tokens that select them. */
import { dot } from './vectors';

/** Cosine of the angle between two vectors; NaN when one is zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** ||a - b|| over the root mean square of ||a|| and ||b||: 0 of equal vectors, sqrt 2 of unrelated ones. */
export function relativeDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>
): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    squares += (a[i] - b[i]) ** 2;
  }
  return Math.sqrt(squares / ((dot(a, a) + dot(b, b)) / 2));
}

/** Cosines of all pairs, [n, n], row-major. */
export function cosineMatrix(
  vectors: readonly ArrayLike<number>[]
): Float64Array {
  const n = vectors.length;
  const norms = vectors.map(vector => Math.sqrt(dot(vector, vector)));
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      const value = dot(vectors[i], vectors[j]) / (norms[i] * norms[j]);
      matrix[i * n + j] = matrix[j * n + i] = value;
    }
  }
  return matrix;
}

/**
 * Linear CKA ||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F) of two sets of activations on the same tokens, columns centred
 * (Kornblith et al. 2019, arXiv 1905.00414): 1 when one is the other rotated and scaled. NaN when one is constant.
 *
 * @param x [tokens, width] row-major
 * @param y [tokens, its own width]
 */
export function linearCka(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  tokens: number
): number {
  // Gram matrices of tokens hold the same norms: ||Y'X||^2 = sum of K L.
  const k = centredGram(x, tokens);
  const l = centredGram(y, tokens);
  return dot(k, l) / Math.sqrt(dot(k, k) * dot(l, l));
}

/**
 * `linearCka` of all pairs, [n, n], row-major.
 * @param outputs [tokens, width] each, on the same tokens
 */
export function ckaMatrix(
  outputs: readonly ArrayLike<number>[],
  tokens: number
): Float64Array {
  return cosineMatrix(outputs.map(output => centredGram(output, tokens)));
}

/** X X' of column-centred X, [tokens, tokens]. */
function centredGram(x: ArrayLike<number>, tokens: number): Float64Array {
  const width = x.length / tokens;
  const centred = Float64Array.from(x);
  for (let d = 0; d < width; d++) {
    let mean = 0;
    for (let t = 0; t < tokens; t++) {
      mean += x[t * width + d] / tokens;
    }
    for (let t = 0; t < tokens; t++) {
      centred[t * width + d] -= mean;
    }
  }
  const gram = new Float64Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) {
    const row = centred.subarray(i * width, (i + 1) * width);
    for (let j = i; j < tokens; j++) {
      const value = dot(row, centred.subarray(j * width, (j + 1) * width));
      gram[i * tokens + j] = gram[j * tokens + i] = value;
    }
  }
  return gram;
}

/** |A and B| / |A or B|; 1 of two empty sets. */
export function jaccard<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): number {
  let common = 0;
  for (const item of a) {
    common += b.has(item) ? 1 : 0;
  }
  const union = a.size + b.size - common;
  return union === 0 ? 1 : common / union;
}

export interface PipelineStep {
  /** Expert of the earlier layer, and of the later one. */
  from: number;
  to: number;
  correlation: number;
}

/** Lazarus: weaker correlations are no pipeline. */
export const PIPELINE_CORRELATION = 0.3;

/**
 * Experts of two layers that are weighted alike on the same tokens: Pearson correlation of the columns of two [tokens,
 * experts] matrices of weights (zero where not selected), matched greedily, the strongest first, each expert once
 * (Lazarus).
 */
export function pipelines(
  earlier: ArrayLike<number>,
  later: ArrayLike<number>,
  tokens: number,
  threshold = PIPELINE_CORRELATION
): PipelineStep[] {
  const first = standardised(earlier, tokens);
  const second = standardised(later, tokens);
  return matchPipelines(
    first.flatMap(column => second.map(other => dot(column, other))),
    second.length,
    threshold
  );
}

/**
 * The greedy matching of `pipelines`.
 * @param correlations [experts of the earlier layer, experts of the later one]; NaN of a constant expert is no match
 */
export function matchPipelines(
  correlations: ArrayLike<number>,
  laterExperts: number,
  threshold = PIPELINE_CORRELATION
): PipelineStep[] {
  const steps = Array.from(correlations, (correlation, at) => ({
    from: Math.floor(at / laterExperts),
    to: at % laterExperts,
    correlation
  })).filter(({ correlation }) => correlation > threshold);
  const usedFrom = new Set<number>();
  const usedTo = new Set<number>();
  return steps
    .sort((a, b) => b.correlation - a.correlation)
    .filter(({ from, to }) => {
      const free = !usedFrom.has(from) && !usedTo.has(to);
      if (free) {
        usedFrom.add(from);
        usedTo.add(to);
      }
      return free;
    });
}

/** Columns with mean 0 and length 1; a constant column has no correlation: zeros. */
function standardised(
  matrix: ArrayLike<number>,
  tokens: number
): Float64Array[] {
  const width = tokens === 0 ? 0 : matrix.length / tokens;
  return Array.from({ length: width }, (_, c) => {
    const column = Float64Array.from(
      { length: tokens },
      (__, t) => matrix[t * width + c]
    );
    const mean = column.reduce((a, b) => a + b, 0) / tokens;
    const centred = column.map(value => value - mean);
    const norm = Math.sqrt(dot(centred, centred));
    return norm > 0 ? centred.map(value => value / norm) : centred;
  });
}
