/** Sums up what an expert does to each token, prompt by prompt, in memory that does not grow with the prompts. */
import { ClusterMeans } from '../../../base/statistics/cluster-means';
import type { ExpertEffect } from './expert-effects';
import type { TokenGroups } from './token-groups';
import type { GroupChange, Half, LogitChange } from './vocabulary-data';

/** How often an interval may miss; of all tokens of the vocabulary at once, for what is called certain. */
const ALPHA = 0.05;
/** Expected occurrences of a token without any effect that its mean gets for the ranking, so that rare tokens do not lead by chance. */
const PRIOR = 0.1;

/** An expert's gain of a token in nats. */
export interface TokenGain {
  contrast: number;
  halfWidth: number | null;
  certain: boolean | null;
}

export class ExpertSums {
  /** Tokens that select the expert. */
  tokens = 0;
  private readonly _change: Float64Array;
  private readonly _without: { gains: Float64Array; weights: Float64Array };
  /** What lists are ranked by, of each half of the prompts: the contrast, or against no expert where there is none. */
  private readonly _halves: Record<Half, ClusterMeans>;
  private readonly _groups: ClusterMeans;
  private _both?: ClusterMeans;
  private _isContrasted = false;

  /** @param _kept [vocabulary], 1 for tokens that lists may have */
  constructor(
    private readonly _kept: Uint8Array,
    private readonly _tokenGroups: TokenGroups
  ) {
    const size = _kept.length;
    this._change = new Float64Array(size);
    this._without = {
      gains: new Float64Array(size),
      weights: new Float64Array(size)
    };
    this._halves = {
      first: new ClusterMeans(size),
      second: new ClusterMeans(size)
    };
    this._groups = new ClusterMeans(_tokenGroups.groups.length);
  }

  get prompts(): number {
    return this._halves.first.clusters + this._halves.second.clusters;
  }

  add(
    { change, without, contrast, tokens }: ExpertEffect,
    half: Half,
    domain: string | undefined
  ): void {
    const { gains, weights, next } = contrast ?? without;
    this._both = undefined;
    this._isContrasted = contrast !== undefined;
    this.tokens += tokens;
    this._halves[half].add(gains, weights);
    const groups = this._tokenGroups.sums(next, domain);
    this._groups.add(groups.gains, groups.counts);
    for (let id = 0; id < change.length; id++) {
      this._change[id] += change[id];
      this._without.gains[id] += without.gains[id];
      this._without.weights[id] += without.weights[id];
    }
  }

  /** The tokens that are raised most (sign 1) or lowered most (-1). */
  strongest(
    count: number,
    sign: 1 | -1,
    textOf: (id: number) => string | undefined
  ): LogitChange[] {
    const mean =
      this._change.reduce((sum, value) => sum + value, 0) /
      this._change.length /
      this.tokens;
    return this._best(this._ranked, count, sign).map(id => {
      const text = textOf(id);
      const { contrast, halfWidth, certain } = this.of(id);
      return {
        id,
        ...(text === undefined ? {} : { text }),
        change: this._change[id] / this.tokens - mean,
        without: this._without.gains[id] / this._without.weights[id],
        contrast: this._isContrasted ? contrast : null,
        halfWidth,
        certain
      };
    });
  }

  /** The tokens raised most in one half of the prompts; empty where none of these select the expert. */
  raisedIn(half: Half, count: number): number[] {
    return this._best(this._halves[half], count, 1);
  }

  of(id: number): TokenGain {
    const { mean, halfWidth } = this._ranked.interval(id, ALPHA);
    if (Number.isNaN(halfWidth)) {
      return { contrast: mean, halfWidth: null, certain: null };
    }
    // Bonferroni: the intervals of all kept tokens hold at once.
    const simultaneous = this._ranked.interval(id, ALPHA / this._keptCount);
    return {
      contrast: mean,
      halfWidth,
      certain: Math.abs(mean) > simultaneous.halfWidth
    };
  }

  groupChanges(): GroupChange[] {
    return this._tokenGroups.groups.map(({ kind, name }, i) => {
      const { mean, halfWidth } = this._groups.interval(i, ALPHA);
      return {
        kind,
        name,
        change: Number.isFinite(mean) ? mean : null,
        halfWidth: Number.isFinite(halfWidth) ? halfWidth : null
      };
    });
  }

  private get _ranked(): ClusterMeans {
    return (this._both ??= this._halves.first.plus(this._halves.second));
  }

  private get _keptCount(): number {
    return this._kept.reduce((sum, own) => sum + own, 0);
  }

  /** By a mean that rare tokens shrink. */
  private _best(means: ClusterMeans, count: number, sign: 1 | -1): number[] {
    const rank = (id: number): number => sign * means.shrunkMean(id, PRIOR);
    return [...this._kept.keys()]
      .filter(id => this._kept[id] === 1 && rank(id) > 0)
      .sort((a, b) => rank(b) - rank(a) || a - b)
      .slice(0, count);
  }
}
