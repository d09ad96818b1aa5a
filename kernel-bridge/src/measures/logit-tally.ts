/** Sums over the router's full distribution, which need its logits. */
import type { RouterIdentity } from '../base/protocol';
import { CHUNK, type Columns, type RoutingBlock } from './columns';
import { LogitKernel } from './logit-chunk';

export type ScoreKind = RouterIdentity['score'];

export class LogitTally {
  /** Tokens whose logits are all finite; the sums below are over these. */
  tokens = 0;
  /** Tokens with a logit that is not finite. */
  nonFiniteTokens = 0;
  /** [experts]: router probability of each expert, summed over tokens. */
  readonly probability: Float64Array;
  /** Token entropies in nats, their sum and the sum of their squares. */
  entropy = 0;
  entropySquared = 0;
  /** Largest minus second largest probability. */
  margin = 0;
  /** Probability of the selected experts together. */
  keptMass = 0;
  /** (log sum exp of the logits) squared; NaN where the graph holds probabilities only. */
  zLoss = 0;
  /** The smallest logit of a selected expert minus the largest of another one. */
  nearMiss = 0;
  /** Tokens that have both a selected expert and another one. */
  nearMissTokens = 0;
  /** Tokens whose perplexity exp(H) is below `DECISIVE` of the experts. */
  decisiveTokens = 0;
  private readonly _row: Float64Array;
  private readonly _chosen: Uint8Array;
  /** Made when logits first come: most traces of others have none. */
  private _kernel: LogitKernel | null | undefined;

  constructor(
    private readonly _experts: number,
    private readonly _topK: number,
    private readonly _score: ScoreKind,
    private readonly _are: 'logits' | 'probabilities'
  ) {
    this.probability = new Float64Array(_experts);
    this._row = new Float64Array(_experts);
    this._chosen = new Uint8Array(_experts);
  }

  /** True where `addOrdinary` is faster than `add`: routers with a softmax over logits. */
  get hasKernel(): boolean {
    this._kernel ??=
      (this._are === 'logits' && this._score === 'softmax'
        ? LogitKernel.for(
            this._experts,
            this._topK,
            decisiveEntropy(this._experts)
          )
        : undefined) ?? null;
    return this._kernel !== null;
  }

  /**
   * Adds tokens whose experts all exist.
   * @param count a chunk at most
   * @param columns reads them into columns, for tokens without a distribution
   */
  addOrdinary(
    block: Required<Pick<RoutingBlock, 'logits' | 'selected'>>,
    from: number,
    count: number,
    columns: () => Columns
  ): void {
    const odd = this._kernel!.run(block, from, count, this, this.probability);
    if (odd.length > 0) {
      const sorted = columns();
      odd.forEach(t => this._addToken(block.logits, sorted, t));
    }
  }

  /** @param logits [tokens of the block, experts] */
  add(logits: Float32Array, columns: Columns): void {
    for (let t = 0; t < columns.length; t++) {
      this._addToken(logits, columns, t);
    }
  }

  private _addToken(logits: Float32Array, columns: Columns, t: number): void {
    const n = this._experts;
    const row = this._row;
    const base = columns.tokens[t] * n;
    let largest = -Infinity;
    let finite = 0;
    for (let e = 0; e < n; e++) {
      const value = logits[base + e];
      largest = value > largest ? value : largest;
      finite += value - value;
    }
    // A masked expert's logit may be -Infinity; any other value that is not finite is none of a working router.
    if (finite !== 0 && !onlyMasked(logits, base, n)) {
      this.nonFiniteTokens++;
      return;
    }
    let sum = 0;
    let logSumExp = NaN;
    if (this._are === 'probabilities') {
      for (let e = 0; e < n; e++) {
        sum += row[e] = logits[base + e];
      }
    } else if (this._score === 'sigmoid') {
      let exponentials = 0;
      for (let e = 0; e < n; e++) {
        sum += row[e] = 1 / (1 + Math.exp(-logits[base + e]));
        exponentials += Math.exp(logits[base + e] - largest);
      }
      logSumExp = largest + Math.log(exponentials);
    } else {
      for (let e = 0; e < n; e++) {
        sum += row[e] = Math.exp(logits[base + e] - largest);
      }
      logSumExp = largest + Math.log(sum);
    }
    this._addDistribution(sum);
    this.zLoss += logSumExp * logSumExp;
    this._addChoice(logits, base, columns, t);
  }

  /** Takes `_row`, which is divided by its sum. */
  private _addDistribution(sum: number): void {
    const row = this._row;
    const probability = this.probability;
    let entropy = 0;
    let first = 0;
    let second = 0;
    for (let e = 0; e < row.length; e++) {
      const p = row[e] / sum;
      row[e] = p;
      probability[e] += p;
      if (p > 0) {
        entropy -= p * Math.log(p);
      }
      if (p > first) {
        second = first;
        first = p;
      } else if (p > second) {
        second = p;
      }
    }
    this.tokens++;
    this.entropy += entropy;
    this.entropySquared += entropy * entropy;
    this.margin += first - second;
    this.decisiveTokens += entropy < decisiveEntropy(row.length) ? 1 : 0;
  }

  private _addChoice(
    logits: Float32Array,
    base: number,
    { experts, topK, dropped }: Columns,
    t: number
  ): void {
    const row = this._row;
    const chosen = this._chosen;
    let kept = 0;
    let lowest = Infinity;
    for (let at = t; at < topK * CHUNK; at += CHUNK) {
      const expert = experts[at];
      if (expert !== dropped && chosen[expert] === 0) {
        chosen[expert] = 1;
        kept += row[expert];
        lowest = Math.min(lowest, logits[base + expert]);
      }
    }
    let highest = -Infinity;
    for (let e = 0; e < row.length; e++) {
      const value = logits[base + e];
      highest = chosen[e] === 0 && value > highest ? value : highest;
      chosen[e] = 0;
    }
    this.keptMass += kept;
    if (Number.isFinite(lowest) && Number.isFinite(highest)) {
      this.nearMiss += lowest - highest;
      this.nearMissTokens++;
    }
  }
}

/** A router whose perplexity is within 1 % of the number of experts tells them apart no better than by chance. */
export const DECISIVE = 0.99;

export const decisiveEntropy = (experts: number): number =>
  Math.log(DECISIVE * experts);

function onlyMasked(logits: Float32Array, base: number, n: number): boolean {
  let real = 0;
  for (let e = 0; e < n; e++) {
    const value = logits[base + e];
    if (Number.isNaN(value) || value === Infinity) {
      return false;
    }
    real += value === -Infinity ? 0 : 1;
  }
  return real > 0;
}
