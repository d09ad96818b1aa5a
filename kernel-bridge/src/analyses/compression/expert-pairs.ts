/** Accumulates the similarity of expert outputs over any number of tokens. */
import { dot } from '../../measures/vectors';

export interface ExpertPair {
  /** Tokens on which both outputs are known. */
  tokens: number;
  /** ||a - b|| over the root mean square of ||a|| and ||b||, with all tokens concatenated; NaN without tokens. */
  difference: number;
  /** Cosine similarity, with all tokens concatenated. */
  cosine: number;
  /** Jaccard index of the sets of tokens that select them; NaN if no token selects either. */
  jaccard: number;
}

/** Running sums per pair of experts; memory does not grow with tokens. */
export class ExpertPairs {
  /** Each [E, E]; `_dots[i, j]` is a sum of products, `_squares[i, j]` of i's squares on the tokens shared with j. */
  private readonly _dots: Float64Array;
  private readonly _squares: Float64Array;
  private readonly _tokens: Float64Array;
  private readonly _chosen: Float64Array;

  constructor(readonly experts: number) {
    const size = experts * experts;
    this._dots = new Float64Array(size);
    this._squares = new Float64Array(size);
    this._tokens = new Float64Array(size);
    this._chosen = new Float64Array(size);
  }

  /**
   * @param experts whose outputs on a token are given
   * @param outputs one per expert; NaN where unknown
   */
  addOutputs(
    experts: ArrayLike<number>,
    outputs: readonly Float32Array[]
  ): void {
    const known = outputs.flatMap((output, i) =>
      experts[i] >= 0 && Number.isFinite(output[0])
        ? [{ expert: experts[i], output, square: dot(output, output) }]
        : []
    );
    known.forEach((a, i) => {
      for (const b of known.slice(i + 1)) {
        const product = dot(a.output, b.output);
        for (const [own, other] of [
          [a, b],
          [b, a]
        ]) {
          const at = own.expert * this.experts + other.expert;
          this._dots[at] += product;
          this._squares[at] += own.square;
          this._tokens[at]++;
        }
      }
    });
  }

  /** @param chosen experts that a token selects; -1 is ignored */
  addChoice(chosen: ArrayLike<number>): void {
    for (let i = 0; i < chosen.length; i++) {
      for (let j = 0; j < chosen.length; j++) {
        if (chosen[i] >= 0 && chosen[j] >= 0) {
          this._chosen[chosen[i] * this.experts + chosen[j]]++;
        }
      }
    }
  }

  of(a: number, b: number): ExpertPair {
    const at = a * this.experts + b;
    const [product, ofA, ofB] = [
      this._dots[at],
      this._squares[at],
      this._squares[b * this.experts + a]
    ];
    const both = this._chosen[at];
    const either =
      this._chosen[a * this.experts + a] +
      this._chosen[b * this.experts + b] -
      both;
    return {
      tokens: this._tokens[at],
      difference: Math.sqrt(
        Math.max(0, ofA + ofB - 2 * product) / ((ofA + ofB) / 2)
      ),
      cosine: product / Math.sqrt(ofA * ofB),
      jaccard: both / either
    };
  }
}
