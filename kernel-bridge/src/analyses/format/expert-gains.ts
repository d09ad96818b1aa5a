/** Experts that a format moves selections to, or from, whatever the text. */
import { maxSignFlipTest } from '../../base/statistics/max-sign-flip';
import { studentInterval } from '../../base/statistics/intervals';
import type { RouterIdentity } from '../../base/protocol';
import { placeOf } from '../findings/finding';
import type { FormatExpert } from './format-document';

/** Units of the test; further texts join others in turn, so that memory stays bounded. */
const MAX_UNITS = 256;

export class ExpertGains {
  private readonly _units: { gains: Float64Array; texts: number }[] = [];
  private _texts = 0;

  constructor(private readonly _routers: readonly RouterIdentity[]) {}

  /** A text's slot shares in its variants, and after arbitrary changes: [variants][routers][E]. */
  add(
    variants: readonly (readonly Float64Array[])[],
    others: readonly (readonly Float64Array[])[]
  ): void {
    const unit = (this._units[this._texts++ % MAX_UNITS] ??= {
      gains: new Float64Array(
        this._routers.reduce((sum, { experts }) => sum + experts, 0)
      ),
      texts: 0
    });
    unit.texts++;
    variants.forEach((variant, v) => {
      let column = 0;
      variant.forEach((shares, router) =>
        shares.forEach((share, expert) => {
          const gain = share - others[v][router][expert];
          unit.gains[column++] += Number.isFinite(gain)
            ? gain / variants.length
            : 0;
        })
      );
    });
  }

  /** @param tests kinds of format that are tested */
  significant(level: number, tests: number): FormatExpert[] {
    const rows = this._units.map(({ gains, texts }) =>
      gains.map(gain => gain / texts)
    );
    const { mean, p } = maxSignFlipTest(rows);
    return this._routers
      .flatMap((router, r) => {
        const from = this._routers
          .slice(0, r)
          .reduce((sum, { experts }) => sum + experts, 0);
        return Array.from({ length: router.experts }, (_, expert) => ({
          ...placeOf(router),
          expert,
          column: from + expert
        }));
      })
      .flatMap(({ column, ...place }) => {
        const correctedP = Math.min(1, p[column] * tests);
        const interval = studentInterval(rows.map(row => row[column]));
        return correctedP < level && interval
          ? [{ ...place, gain: mean[column], ...interval, correctedP }]
          : [];
      })
      .sort((a, b) => b.gain - a.gain);
  }
}
