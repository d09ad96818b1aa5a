/**
 * The rows of the unembedding as the final norm scales them, one a token, read from what the head does to probes: this
 * works for any head that runs, quantized ones included. Where the matrix is too large, random projections of the rows,
 * which keep distances (Johnson and Lindenstrauss; with signs, Achlioptas 2003, JCSS 66).
 */
import { randomNumbers } from '../../../base/statistics/random';
import type { LoadedModel } from '../../../run/model/loaded-model';
import { project } from '../project';

export interface UnembeddingSketch {
  vocabulary: number;
  /** Numbers a row. */
  size: number;
  /** [vocabulary, size] */
  rows: Float32Array;
}

/** Numbers in a sketch: 64 MiB. */
const MAX_NUMBERS = 1 << 24;
const LEAST_SIZE = 32;

/** @throws MoEDebuggerError 'model-unsupported' if the graph has no separable head; 'cancelled' */
export async function sketchUnembedding(
  model: LoadedModel,
  width: number,
  signal?: AbortSignal
): Promise<UnembeddingSketch> {
  let vocabulary = 0;
  await project(
    model,
    new Float32Array(width).fill(1),
    width,
    logits => (vocabulary = logits.length),
    signal
  );
  const most = Math.max(LEAST_SIZE, Math.floor(MAX_NUMBERS / vocabulary));
  const size = Math.min(width, most);
  const probes = size === width ? unitVectors(width) : signs(size, width);
  const rows = new Float32Array(vocabulary * size);
  await project(
    model,
    probes,
    width,
    (logits, i) => {
      // A bias is the same for a probe and its opposite, so that half of their difference lacks it.
      const half = i % 2 === 0 ? 0.5 : -0.5;
      for (let id = 0; id < vocabulary; id++) {
        rows[id * size + (i >> 1)] += half * logits[id];
      }
    },
    signal
  );
  return { vocabulary, size, rows };
}

/** Each unit vector and its opposite. */
function unitVectors(width: number): Float32Array {
  const probes = new Float32Array(2 * width * width);
  for (let d = 0; d < width; d++) {
    probes[2 * d * width + d] = 1;
    probes[(2 * d + 1) * width + d] = -1;
  }
  return probes;
}

/** Vectors of random signs, each with its opposite. */
function signs(count: number, width: number): Float32Array {
  const random = randomNumbers(0);
  const probes = new Float32Array(2 * count * width);
  for (let i = 0; i < count; i++) {
    for (let d = 0; d < width; d++) {
      const sign = random() < 0.5 ? -1 : 1;
      probes[2 * i * width + d] = sign;
      probes[(2 * i + 1) * width + d] = -sign;
    }
  }
  return probes;
}
