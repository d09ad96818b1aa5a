/** Numbers the texts of a trace: tests between domains have a row a text, comparisons within texts a group of texts. */
import type { SampleNovelty } from '../../measures';
import type { Stack } from '../../base/protocol';
import { MAX_TEXT_GROUPS } from './kind-counts';

/** Texts with a row of their own; further ones join those of their domain in turn. */
const MAX_TEXTS = 4096;

export class TextRows {
  /** By row. */
  readonly domains: (string | undefined)[] = [];
  /** By stack and row: tokens. */
  readonly tokens = new Map<Stack | undefined, number[]>();
  /** By row: whether most of it is new text. */
  readonly isNew: boolean[] = [];
  private readonly _ofDomain = new Map<
    string,
    { rows: number[]; next: number }
  >();
  private readonly _seen = new Map<Stack | undefined, number>();

  /** The row of the next text; -1 of one that has none and no other to join. */
  add(domain: string | undefined, novelty: SampleNovelty): number {
    const row = this._row(domain, isNewText(novelty));
    if (row >= 0) {
      novelty.forEach((own, stack) => {
        const tokens = this.tokens.get(stack) ?? [];
        tokens[row] = (tokens[row] ?? 0) + own.length;
        this.tokens.set(stack, tokens);
      });
    }
    return row;
  }

  /** The group of the next text of a stack; -1 if it mostly repeats others. */
  group(stack: Stack | undefined, novelty: SampleNovelty): number {
    if (!isNewText(novelty, stack)) {
      return -1;
    }
    const seen = this._seen.get(stack) ?? 0;
    this._seen.set(stack, seen + 1);
    return seen % MAX_TEXT_GROUPS;
  }

  private _row(domain: string | undefined, isNew: boolean): number {
    if (this.domains.length < MAX_TEXTS) {
      const row = this.domains.push(domain) - 1;
      this.isNew.push(isNew);
      if (domain !== undefined && isNew) {
        const own = this._ofDomain.get(domain) ?? { rows: [], next: 0 };
        own.rows.push(row);
        this._ofDomain.set(domain, own);
      }
      return row;
    }
    const own =
      domain !== undefined && isNew ? this._ofDomain.get(domain) : undefined;
    return own ? own.rows[own.next++ % own.rows.length] : -1;
  }
}

/** A text counts as one of its own if at least half of it did not occur before. */
function isNewText(novelty: SampleNovelty, stack?: Stack): boolean {
  const parts =
    stack === undefined ? [...novelty.values()] : [novelty.get(stack)!];
  const tokens = parts.reduce((sum, own) => sum + own.length, 0);
  const effective = parts.reduce(
    (sum, own) => own.reduce((all, weight) => all + weight, sum),
    0
  );
  return 2 * effective >= tokens;
}
