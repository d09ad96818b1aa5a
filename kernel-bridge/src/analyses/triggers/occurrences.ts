/** How often tokens and sequences occur in the texts that a router was recorded in, which need not be all of a trace. */

/** The occurrences in one text, by row of a token and of a sequence. */
export interface TextOccurrences {
  tokens: ReadonlyMap<number, number>;
  sequences: ReadonlyMap<number, number>;
}

export interface SequenceOccurrences {
  /** All occurrences of the sequence, and of its last token elsewhere. */
  count: number;
  others: number;
  /** Texts that have it, and texts that have its last token elsewhere. */
  texts: number;
  otherTexts: number;
}

export class Occurrences {
  /** By row of a token: all occurrences, and texts that have it. */
  private readonly _tokens: number[] = [];
  private readonly _tokenTexts: number[] = [];
  /** By row of a sequence: all occurrences, texts that have it, and of these the texts that have its last token elsewhere. */
  private readonly _sequences: number[] = [];
  private readonly _sequenceTexts: number[] = [];
  private readonly _withOther: number[] = [];

  /** @param lastOf the row of a sequence's last token */
  add(
    { tokens, sequences }: TextOccurrences,
    lastOf: (sequence: number) => number
  ): void {
    for (const [row, count] of tokens) {
      add(this._tokens, row, count);
      add(this._tokenTexts, row, 1);
    }
    for (const [row, count] of sequences) {
      add(this._sequences, row, count);
      add(this._sequenceTexts, row, 1);
      add(this._withOther, row, tokens.get(lastOf(row))! > count ? 1 : 0);
    }
  }

  of({ row, last }: { row: number; last: number }): SequenceOccurrences {
    const count = this._sequences[row] ?? 0;
    const texts = this._sequenceTexts[row] ?? 0;
    return {
      count,
      others: (this._tokens[last] ?? 0) - count,
      texts,
      otherTexts:
        (this._tokenTexts[last] ?? 0) - texts + (this._withOther[row] ?? 0)
    };
  }
}

function add(counts: number[], row: number, count: number): void {
  counts[row] = (counts[row] ?? 0) + count;
}
