import { secondHalf } from '../held-out/split-prompts';

/** Logits of tokens in bounded memory: all of the first, then every second, every fourth. */
const MAX_TOKENS = 4096;

/** The half of the prompts that a prompt is in; 'both': its first tokens are in the first half, the rest in the second. */
export type Half = 'first' | 'second' | 'both';

interface Row {
  /** [E] */
  logits: Float32Array;
  half: 'first' | 'second';
}

/** Every second prompt of a domain is in the second half; a domain of one prompt is in both. */
export function halvesOf(prompts: readonly { domain?: string }[]): Half[] {
  const sizes = new Map<string | undefined, number>();
  prompts.forEach(({ domain }) =>
    sizes.set(domain, (sizes.get(domain) ?? 0) + 1)
  );
  return secondHalf(prompts).map((second, i) =>
    sizes.get(prompts[i].domain) === 1 ? 'both' : second ? 'second' : 'first'
  );
}

export class LogitSample {
  private _rows: Row[] = [];
  private _stride = 1;
  private _seen = 0;

  /** [tokens][E] */
  get rows(): readonly Float32Array[] {
    return this._rows.map(({ logits }) => logits);
  }

  /** @param logits [tokens, experts] of one prompt */
  add(logits: Float32Array, experts: number, half: Half = 'both'): void {
    const middle = Math.ceil(logits.length / experts / 2) * experts;
    for (let at = 0; at + experts <= logits.length; at += experts) {
      const row = logits.subarray(at, at + experts);
      // Without an order there is no selection.
      if (!row.every(Number.isFinite)) {
        continue;
      }
      if (this._seen++ % this._stride !== 0) {
        continue;
      }
      this._rows.push({
        logits: row.slice(),
        half: half === 'both' ? (at < middle ? 'first' : 'second') : half
      });
      if (this._rows.length > MAX_TOKENS) {
        this._rows = this._rows.filter((_, i) => i % 2 === 0);
        this._stride *= 2;
      }
    }
  }

  /** The tokens of each half of the prompts. */
  halves(): [Float32Array[], Float32Array[]] {
    const of = (half: Row['half']): Float32Array[] =>
      this._rows.filter(row => row.half === half).map(({ logits }) => logits);
    return [of('first'), of('second')];
  }
}
