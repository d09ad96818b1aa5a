/** Artificial traces whose load changes over time in a known way, or not at all. */
import { randomNumbers } from '../src/base/statistics/random';
import type { RoutingSample } from '../src/base/protocol';
import { cumulatedOf, dirichlet, drawnByTaste } from './planted-routing';

export interface DriftingTrace {
  experts: number;
  topK: number;
  texts: number;
  length: number;
  seed: number;
  /** How far load has moved to the first half of the experts, 0 to 1, by the part of the trace that has passed. */
  moved?: (time: number) => number;
  /** Of the Dirichlet distribution of a text's rates, an expert: the smaller, the more texts differ. */
  concentration?: number;
  /** Share of tokens that keep the experts of the one before. */
  kept?: number;
}

/** Share of first choices that move in all. */
const MOVED = 0.4;

export function driftingTrace({
  experts,
  topK,
  texts,
  length,
  seed,
  moved = () => 0,
  concentration = 8,
  kept = 0.3
}: DriftingTrace): RoutingSample[] {
  const random = randomNumbers(seed);
  return Array.from({ length: texts }, (_, text) => {
    const taste = dirichlet(experts, concentration * experts, random);
    const selected = new Int32Array(length * topK);
    let before: number[] | undefined;
    let drawnAt = -1;
    let shares = taste;
    for (let t = 0; t < length; t++) {
      const time = (text + t / length) / texts;
      const by = Math.round(100 * moved(time));
      if (by !== drawnAt) {
        drawnAt = by;
        shares = cumulatedOf(towardsFirstHalf(taste, (by / 100) * MOVED));
      }
      if (!before || random() >= kept) {
        before = drawnByTaste(shares, topK, new Set(), random);
      }
      selected.set(before, t * topK);
    }
    return {
      id: String(text),
      tokens: Array.from({ length }, (__, position) => ({
        position,
        id: Math.floor(5000 * random())
      })),
      layers: [
        {
          layer: 0,
          experts,
          topK,
          score: 'softmax' as const,
          logitsAre: 'logits' as const,
          logits: new Float32Array(),
          selected,
          weights: new Float32Array()
        }
      ]
    };
  });
}

function towardsFirstHalf(shares: Float64Array, share: number): Float64Array {
  const half = shares.length / 2;
  const first = shares.subarray(0, half).reduce((a, b) => a + b, 0);
  const left = Math.min(share, 0.9 * (1 - first));
  return shares.map((own, e) =>
    e < half ? own * (1 + left / first) : own * (1 - left / (1 - first))
  );
}
