/** The texts of a trace that have a domain, with what each selects of all routers. */
import { layerName } from '../../base/protocol';
import type { RouterTally } from '../../measures';
import { addTo } from '../../measures/vectors';
import type { TraceEvidence } from './trace-evidence';
import type { UnitCounts } from './unit-counts';

/** Selections and tokens of some texts. */
export interface Sums {
  /** [columns]: by router and expert */
  counts: Float64Array;
  /** [routers] */
  tokens: Float64Array;
}

/** Where a router's experts stand among the columns. */
interface RouterColumns {
  router: RouterTally;
  from: number;
  to: number;
}

export class DomainTexts {
  /** Rows of texts with a domain; those that mostly repeat others are no evidence of their own. */
  readonly rows: number[] = [];
  readonly columns: RouterColumns[];
  private readonly _ofDomain = new Map<string, number[]>();
  private readonly _counts: UnitCounts[];
  private readonly _tokens: number[][];

  constructor(private readonly _evidence: TraceEvidence) {
    const { texts, tally } = _evidence;
    texts.domains.forEach((domain, row) => {
      if (domain !== undefined && texts.isNew[row]) {
        this.rows.push(row);
        const own = this._ofDomain.get(domain);
        if (own) {
          own.push(row);
        } else {
          this._ofDomain.set(domain, [row]);
        }
      }
    });
    let to = 0;
    this.columns = tally.routers.map(router => {
      const from = to;
      to += router.router.experts;
      return { router, from, to };
    });
    this._counts = tally.routers.map(
      ({ router }) => _evidence.units(layerName(router))!.samples
    );
    this._tokens = tally.routers.map(
      ({ router }) => texts.tokens.get(router.stack) ?? []
    );
  }

  /** The domains with the most texts, in order of appearance. */
  commonest(most: number): string[] {
    const kept = new Set(
      [...this._ofDomain]
        .sort(([, a], [, b]) => b.length - a.length)
        .slice(0, most)
        .map(([domain]) => domain)
    );
    return [...this._ofDomain.keys()].filter(domain => kept.has(domain));
  }

  domain(row: number): string {
    return this._evidence.texts.domains[row]!;
  }

  rowsOf(domain: string): readonly number[] {
    return this._ofDomain.get(domain)!;
  }

  /** Selections of a text, [experts]. */
  counts(router: number, row: number): Uint32Array {
    return this._counts[router].row(row);
  }

  tokens(router: number, row: number): number {
    return this._tokens[router][row] ?? 0;
  }

  sum(rows: readonly number[]): Sums {
    const sums = {
      counts: new Float64Array(this.columns.at(-1)?.to ?? 0),
      tokens: new Float64Array(this.columns.length)
    };
    this.columns.forEach(({ from, to }, router) => {
      const own = sums.counts.subarray(from, to);
      for (const row of rows) {
        addTo(own, this.counts(router, row));
        sums.tokens[router] += this.tokens(router, row);
      }
    });
    return sums;
  }

  /** Texts, or as many joined texts of one domain as leave about `most` units. */
  units(most: number): (Sums & { domain: string })[] {
    const size = Math.ceil(this.rows.length / most);
    return [...this._ofDomain].flatMap(([domain, rows]) => {
      const count = Math.max(1, Math.round(rows.length / size));
      return Array.from({ length: count }, (_, unit) => ({
        domain,
        ...this.sum(rows.filter((__, i) => i % count === unit))
      }));
    });
  }
}
