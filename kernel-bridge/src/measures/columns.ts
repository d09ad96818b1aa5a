/** A chunk of a router's tokens as columns by rank: column 0 holds each token's first choice. */
import { MoEDebuggerError } from '../base/errors';

/** What one router did with consecutive tokens of one sequence. Arrays are row-major. */
export interface RoutingBlock {
  /** [tokens, topK], in any order; -1 where a token was dropped. */
  selected: Int32Array;
  /** [tokens, topK]; absent or empty where they were not recorded. */
  weights?: Float32Array;
  /** [tokens, experts]; absent or empty where they were not kept. */
  logits?: Float32Array;
  /** [tokens]: 1 for padding, which is left out of everything. */
  padding?: Uint8Array;
}

/** Weights of zero stand for those that were not recorded. */
export type WeightedBlock = RoutingBlock & { weights: Float32Array };

/** Tokens in a chunk: few enough that its columns stay in the processor's first cache. */
export const CHUNK = 512;

/** Reused by all tallies of a process: a chunk is read and counted before the next one is. */
export class Columns {
  readonly topK: number;
  /** Stands for a dropped slot: the index behind all experts. */
  readonly dropped: number;
  /** [topK][CHUNK], by rank */
  readonly experts: Int32Array;
  /** [topK][CHUNK] */
  readonly weights: Float32Array;
  /** [CHUNK]: the token of the block that each entry is */
  readonly tokens: Int32Array;
  /** Tokens in the chunk, padding left out. */
  length = 0;
  /** Tokens of the block that were read, padding included. */
  tokensRead = 0;
  /** Slots whose weight is not a finite number, [experts]; they are counted with weight 0. */
  readonly nonFinite: Int32Array;
  droppedSlots = 0;

  constructor(
    private readonly _experts: number,
    topK: number
  ) {
    this.topK = topK;
    this.dropped = _experts;
    this.experts = new Int32Array(topK * CHUNK);
    this.weights = new Float32Array(topK * CHUNK);
    this.tokens = new Int32Array(CHUNK);
    this.nonFinite = new Int32Array(_experts);
  }

  /**
   * Reads up to `most` tokens of a block, a chunk at most, from `from` on.
   * @throws MoEDebuggerError 'input' naming the token whose expert does not exist
   */
  read(block: WeightedBlock, from: number, most: number, where: string): this {
    const count = Math.min(
      CHUNK,
      most,
      block.selected.length / this.topK - from
    );
    this.tokensRead = count;
    this.droppedSlots = 0;
    this.nonFinite.fill(0);
    if (block.padding || !this._readOrdered(block, from, count)) {
      this._readAny(block, from, count, where);
    }
    return this;
  }

  /** The common case, finite weights in falling order; false when the chunk is something else. */
  private _readOrdered(
    { selected, weights }: WeightedBlock,
    from: number,
    count: number
  ): boolean {
    const { topK, tokens, _experts: known } = this;
    const experts = this.experts;
    const own = this.weights;
    let regular = true;
    for (let t = 0, at = from * topK; t < count; t++) {
      let last = Infinity;
      for (let rank = t; rank < topK * CHUNK; rank += CHUNK, at++) {
        const expert = selected[at];
        const weight = weights[at];
        experts[rank] = expert;
        own[rank] = weight;
        if (
          expert >>> 0 >= known ||
          !(weight <= last) ||
          weight === -Infinity
        ) {
          regular = false;
        }
        last = weight;
      }
      if (own[t] === Infinity) {
        regular = false;
      }
      tokens[t] = from + t;
    }
    this.length = count;
    return regular;
  }

  /** Any order, padding, dropped slots, weights that are not finite. */
  private _readAny(
    { selected, weights, padding }: WeightedBlock,
    from: number,
    count: number,
    where: string
  ): void {
    const { topK, dropped, experts, nonFinite } = this;
    const own = this.weights;
    this.length = 0;
    for (let token = from; token < from + count; token++) {
      if (padding?.[token]) {
        continue;
      }
      const t = this.length++;
      this.tokens[t] = token;
      let filled = 0;
      for (let at = token * topK; at < (token + 1) * topK; at++) {
        let expert = selected[at];
        let weight = weights[at];
        if (expert === -1) {
          this.droppedSlots++;
          expert = dropped;
          weight = 0;
        } else if (expert >>> 0 >= this._experts) {
          throw new MoEDebuggerError(
            'input',
            `expert ${expert} was selected where there are ${this._experts}`,
            {
              where: `${where}, token ${token}`,
              hint: 'the trace is damaged or of another model'
            }
          );
        } else if (!Number.isFinite(weight)) {
          nonFinite[expert]++;
          weight = 0;
        }
        // Stable by falling weight; dropped slots come last.
        let rank = filled++;
        for (; rank > 0; rank--) {
          const above = (rank - 1) * CHUNK + t;
          const before =
            experts[above] === dropped
              ? expert !== dropped
              : expert !== dropped && weight > own[above];
          if (!before) {
            break;
          }
          experts[above + CHUNK] = experts[above];
          own[above + CHUNK] = own[above];
        }
        experts[rank * CHUNK + t] = expert;
        own[rank * CHUNK + t] = weight;
      }
    }
  }
}
