/** Captures the routing of a share of the tokens: which ones is drawn anew in each stretch of a prompt. */
import { MoEDebuggerError } from '../../base/errors';
import { drawn, randomNumbers } from '../../base/statistics/random';
import type { Stack } from '../../base/protocol';

export interface TokenSampling {
  /** Share of the tokens whose routing is captured, from 0 to 1. */
  rate: number;
  /** The same seed draws the same tokens. Default 0. */
  seed?: number;
}

/** A rate below one token in so many has strata in which no token is captured. */
const LARGEST_STRATUM = 256;

/** Chooses among the next tokens of one sequence. */
export interface TokenSampler {
  /** @returns which of the next `count` tokens are captured: indices from 0, ascending */
  choose(count: number): number[];
}

/** @throws MoEDebuggerError 'input' */
export function checkSampling({ rate, seed = 0 }: TokenSampling): void {
  if (!(rate >= 0 && rate <= 1)) {
    throw new MoEDebuggerError('input', `sample.rate is ${rate}`, {
      where: 'sample',
      hint: 'give a share from 0 to 1'
    });
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new MoEDebuggerError('input', `sample.seed is ${seed}`, {
      where: 'sample',
      hint: 'give a whole number of at least 0'
    });
  }
}

/**
 * A sampler for one prompt of a run; undefined where all tokens are captured. Prompts, and an encoder and its decoder,
 * have draws of their own.
 */
export function samplerOf(
  sampling: TokenSampling | undefined,
  prompt: number,
  stack?: Stack
): TokenSampler | undefined {
  if (!sampling || sampling.rate >= 1) {
    return undefined;
  }
  const { rate, seed = 0 } = sampling;
  const own = (seed % 2 ** 21) * 2 ** 31 + 2 * prompt;
  return new StratifiedSampler(
    rate,
    randomNumbers(own + (stack === 'encoder' ? 1 : 0))
  );
}

/**
 * Strata of ceil(1 / rate) tokens. Each stratum captures the whole number below or above the tokens that are due to it,
 * which of the two by chance, at places that are drawn: every position has exactly the probability `rate`, no rhythm of
 * the text can coincide with that of the sample, and the count stays close to its mean.
 */
export class StratifiedSampler implements TokenSampler {
  private readonly _size: number;
  /** Whether the tokens left of the current stratum are captured; the next one is the last entry. */
  private _left: boolean[] = [];

  constructor(
    private readonly _rate: number,
    private readonly _random: () => number
  ) {
    this._size = Math.min(LARGEST_STRATUM, Math.ceil(1 / _rate));
  }

  choose(count: number): number[] {
    const chosen: number[] = [];
    if (this._rate <= 0) {
      return chosen;
    }
    for (let token = 0; token < count; token++) {
      if (this._left.length === 0) {
        this._left = this._stratum();
      }
      if (this._left.pop()) {
        chosen.push(token);
      }
    }
    return chosen;
  }

  private _stratum(): boolean[] {
    const places = Array.from({ length: this._size }, (_, i) => i);
    const due = Math.floor(this._size * this._rate + this._random());
    const taken = new Set(
      drawn(places, Math.min(due, this._size), this._random)
    );
    return places.map(place => taken.has(place));
  }
}
