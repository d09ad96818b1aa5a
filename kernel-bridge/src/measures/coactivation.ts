/** Which experts are chosen together. */

export interface Partner {
  /** The expert that is given. */
  expert: number;
  partner: number;
  /** P(partner | expert) = N(i, j) / N(i) */
  conditional: number;
  /** N(i, j) / T */
  pairTokenRate: number;
}

/**
 * Co-activation N(i, j) / N(i), row-major [E, E]: of the tokens that select i, the share that also selects j. Not
 * symmetric (OLMoE, arXiv 2409.02060, section 4.3). NaN in rows of experts that nothing selected.
 *
 * @param pairs [E, E], symmetric
 * @param counts [E], selections
 */
export function coactivation(
  pairs: ArrayLike<number>,
  counts: ArrayLike<number>
): Float64Array {
  const n = counts.length;
  return Float64Array.from({ length: n * n }, (_, at) => {
    const expert = Math.floor(at / n);
    return expert === at % n ? NaN : pairs[at] / counts[expert];
  });
}

/** All ordered pairs, the most often together first; pairs never seen are left out. */
export function strongestPairs(
  pairs: ArrayLike<number>,
  counts: ArrayLike<number>,
  tokens: number
): Partner[] {
  const n = counts.length;
  const found: Partner[] = [];
  for (let expert = 0; expert < n; expert++) {
    for (let partner = 0; partner < n; partner++) {
      const together = pairs[expert * n + partner];
      if (expert !== partner && together > 0) {
        found.push({
          expert,
          partner,
          conditional: together / counts[expert],
          pairTokenRate: together / tokens
        });
      }
    }
  }
  return found.sort((a, b) => b.conditional - a.conditional);
}

/** Lazarus: two experts that more than this share of all tokens selects together are a specialist pair. */
export const SPECIALIST_PAIR_TOKEN_RATE = 0.3;

/** [i, j], i < j, with a pair rate N(i, j) / T above 0.3 (Lazarus). */
export function specialistPairs(
  pairs: ArrayLike<number>,
  experts: number,
  tokens: number
): [number, number][] {
  const found: [number, number][] = [];
  for (let i = 0; i < experts; i++) {
    for (let j = i + 1; j < experts; j++) {
      if (pairs[i * experts + j] / tokens > SPECIALIST_PAIR_TOKEN_RATE) {
        found.push([i, j]);
      }
    }
  }
  return found;
}

/** Experts that were seen together with at least half as many partners as there are experts (Lazarus). */
export function generalists(
  pairs: ArrayLike<number>,
  experts: number
): number[] {
  return Array.from({ length: experts }, (_, i) => i).filter(i => {
    let partners = 0;
    for (let j = 0; j < experts; j++) {
      partners += j !== i && pairs[i * experts + j] > 0 ? 1 : 0;
    }
    return partners >= experts / 2;
  });
}
