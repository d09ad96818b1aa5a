/** Accumulates effects: one row per expert, domain by domain, in memory that does not grow with the prompts. */
import type {
  SweepEffect,
  SweepMode,
  SweepRow,
  SweepToken
} from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { Pair } from './ablation-runs';
import type { Effect } from './effects';
import type { SweepEdit } from './options';

/** Sums over prompts. Values that are not finite are excluded from the means. */
class Sums {
  private _prompts = 0;
  private _reached = 0;
  private _affected = 0;
  private _positions = 0;
  private readonly _kl = new Mean();
  private readonly _last = new Mean();
  private readonly _logProb = new Mean();
  private readonly _rank = new Mean();

  /** @param effect undefined if the ablation has no reach */
  add({ reach, baseline }: Pair, effect: Effect | undefined): void {
    this._prompts++;
    this._affected += reach.tokens;
    this._last.add(effect?.klLast ?? 0);
    this._logProb.add(effect?.deltaLogProb ?? 0);
    this._rank.add(effect?.deltaRank ?? 0);
    if (effect && reach.first !== undefined) {
      this._reached++;
      this._positions += baseline.ids.length - reach.first;
      effect.kl
        .subarray(firstOf(effect, reach.first, baseline.ids.length))
        .forEach(value => this._kl.add(value));
    }
  }

  get empty(): boolean {
    return this._prompts === 0;
  }

  read(): SweepEffect {
    return {
      prompts: this._prompts,
      promptsReached: this._reached,
      tokensAffected: this._affected,
      tokensReached: this._positions,
      klMean: this._positions === 0 ? 0 : this._kl.read(),
      klLast: this._last.read(),
      deltaLogProb: this._logProb.read(),
      deltaRank: this._rank.read()
    };
  }
}

class Mean {
  private _sum = 0;
  private _count = 0;

  add(value: number): void {
    if (Number.isFinite(value)) {
      this._sum += value;
      this._count++;
    }
  }

  read(): number | null {
    return this._count === 0 ? null : this._sum / this._count;
  }
}

/** Index of a position among the last ones that a graph computes logits for. */
function firstOf({ kl }: Effect, first: number, length: number): number {
  return Math.max(0, first - (length - kl.length));
}

/** A position in a prompt, without a reference to the prompt's large distributions. */
interface Kept {
  kl: number;
  prompt: string;
  ids: readonly number[];
  position: number;
}

/** The largest of many, in descending order. */
class Largest {
  readonly kept: Kept[] = [];

  constructor(private readonly _count: number) {}

  add(kl: number, { baseline }: Pair, position: number): void {
    const { kept } = this;
    if (
      !(kl > 0) ||
      (kept.length === this._count &&
        kl <= (kept[kept.length - 1]?.kl ?? Infinity))
    ) {
      return;
    }
    const at = kept.findIndex(other => kl > other.kl);
    kept.splice(at < 0 ? kept.length : at, 0, {
      kl,
      prompt: baseline.prompt.id,
      ids: baseline.ids,
      position
    });
    kept.length = Math.min(kept.length, this._count);
  }
}

/** Tokens of context stored with a changed token. */
const CONTEXT = 12;

export class Tally {
  private readonly _rows: {
    all: Sums;
    domains: Map<string, Sums>;
    tokens: Largest;
  }[];

  /** @param _piece text of a token id, if there is a tokenizer */
  constructor(
    private readonly _edits: readonly SweepEdit[],
    private readonly _routers: readonly Router[],
    private readonly _mode: SweepMode,
    keep: number,
    private readonly _piece: ((id: number) => string) | undefined
  ) {
    this._rows = _edits.map(() => ({
      all: new Sums(),
      domains: new Map<string, Sums>(),
      tokens: new Largest(keep)
    }));
  }

  add(pair: Pair, edit: SweepEdit, effect: Effect | undefined): void {
    const row = this._rows[edit.index];
    row.all.add(pair, effect);
    const { domain } = pair.baseline.prompt;
    if (domain !== undefined) {
      const sums = row.domains.get(domain) ?? new Sums();
      row.domains.set(domain, sums);
      sums.add(pair, effect);
    }
    if (effect && pair.reach.first !== undefined) {
      const { length } = pair.baseline.ids;
      const offset = length - effect.kl.length;
      for (
        let i = firstOf(effect, pair.reach.first, length);
        i < effect.kl.length;
        i++
      ) {
        row.tokens.add(effect.kl[i], pair, offset + i);
      }
    }
  }

  /** The experts that were measured on some prompt, in the order of routers. */
  rows(): SweepRow[] {
    return this._edits.flatMap(({ router, expert, index }) => {
      const { all, domains, tokens } = this._rows[index];
      const { layer, stack, module } = this._routers[router];
      return all.empty
        ? []
        : [
            {
              layer,
              ...(stack ? { stack } : {}),
              ...(module ? { module } : {}),
              expert,
              mode: this._mode,
              ...all.read(),
              ...(domains.size > 0
                ? {
                    domains: [...domains]
                      .sort(([a], [b]) => (a < b ? -1 : 1))
                      .map(([domain, sums]) => ({ domain, ...sums.read() }))
                  }
                : {}),
              tokens: tokens.kept.map(kept => this._token(kept))
            }
          ];
    });
  }

  private _token({ kl, prompt, ids, position }: Kept): SweepToken {
    const piece = this._piece;
    return {
      prompt,
      position,
      id: ids[position],
      ...(piece
        ? {
            text: piece(ids[position]),
            before: ids
              .slice(Math.max(0, position - CONTEXT), position)
              .map(piece)
              .join('')
          }
        : {}),
      kl
    };
  }
}
