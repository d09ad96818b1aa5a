/**
 * Experts that tokens of a type, after a type, or at a position select more than the other tokens of the same texts.
 * Groups of texts are the units, since the tokens of a text are routed alike.
 */
import {
  higherRateP,
  liftInterval,
  ratioDesignEffect,
  sumOf
} from '../../base/statistics/rate-ratio';
import { StratifiedRanks } from '../../base/statistics/stratified-ranks';
import { layerName } from '../../base/protocol';
import type { RouterTally } from '../../measures';
import { sizeOf, type Category, type Effect } from './effects';
import type { KindCounts } from './kind-counts';
import { POSITION_CLASSES, POSITION_KINDS } from './positions';
import { TOKEN_CLASSES } from './token-classes';
import type { TraceEvidence } from './trace-evidence';
import type { UnitCounts } from './unit-counts';

export interface WithinTexts extends Effect {
  category: Exclude<Category, 'domain'>;
  /** One-sided, over groups of texts, before correction. */
  p: number;
  /**
   * That labels of tokens are unrelated to their rates, permuted among tokens that are about as frequent: a class that is
   * one frequent token says nothing of its type. 1 of a position.
   */
  tokensP: () => number;
}

/** More tokens than these, the most frequent, add little to a test over tokens. */
const MAX_IDS = 1024;

/** One a class and expert; classes that no two texts have are left out. */
export function withinTexts(
  evidence: TraceEvidence,
  router: RouterTally
): WithinTexts[] {
  const units = evidence.units(layerName(router.router))!;
  const { classes } = evidence.kinds;
  const types = TOKEN_CLASSES.map((className, c) => ({
    className,
    has: (kind: number) => classes[kind].includes(c)
  }));
  const labels = new Map(
    types.map(({ className, has }) => [className, evidence.idsOf(has)])
  );
  const [own, before] = [units.ids, units.after].map(
    counts => new TokenRanks(counts, evidence.ids.keys.length)
  );
  return [
    ...types.flatMap(({ className, has }) =>
      ofClass(
        router,
        units.kinds,
        { category: 'token type', className, has },
        expert => own.of(expert).higherP(labels.get(className)!)
      )
    ),
    ...types.flatMap(({ className, has }) =>
      ofClass(
        router,
        units.kindsBefore,
        { category: 'context', className: `after ${className}`, has },
        expert => before.of(expert).higherP(labels.get(className)!)
      )
    ),
    ...POSITION_CLASSES.flatMap((className, c) =>
      ofClass(
        router,
        units.positions,
        {
          category: 'position',
          className,
          has: kind => POSITION_KINDS[kind].includes(c)
        },
        () => 0
      )
    )
  ];
}

function ofClass(
  router: RouterTally,
  counts: KindCounts,
  {
    has,
    ...about
  }: Pick<WithinTexts, 'category' | 'className'> & {
    has: (kind: number) => boolean;
  },
  tokensP: (expert: number) => number
): WithinTexts[] {
  const compared = counts.compare(has);
  const { withClass, insideTokens, outsideTokens } = compared;
  if (insideTokens === 0 || outsideTokens === 0) {
    return [];
  }
  return Array.from({ length: counts.experts }, (_, expert) => {
    const groups = compared.of(expert);
    const total = sumOf(groups);
    const effect = ratioDesignEffect(groups);
    const degrees = withClass - 1;
    const isTold = degrees > 0;
    return {
      router,
      expert,
      ...about,
      ...sizeOf(total),
      ...(isTold
        ? { liftInterval: liftInterval(total, [effect, effect], degrees) }
        : {}),
      p: isTold ? higherRateP(total, effect, degrees) : 1,
      tokensP: () => tokensP(expert)
    };
  });
}

/** Ranks of tokens by the share of theirs that an expert takes, among tokens that are about as frequent. */
class TokenRanks {
  private readonly _rows: number[];
  private readonly _totals = new Map<number, number>();
  private readonly _strata: number[][] = [];
  private readonly _ranks = new Map<number, StratifiedRanks>();

  constructor(
    private readonly _counts: UnitCounts,
    rows: number
  ) {
    for (let row = 0; row < rows; row++) {
      const total = _counts.row(row).reduce((a, b) => a + b, 0);
      if (total > 0) {
        this._totals.set(row, total);
      }
    }
    this._rows = [...this._totals]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MAX_IDS)
      .map(([row]) => row);
    for (const row of this._rows) {
      (this._strata[Math.floor(Math.log2(this._totals.get(row)!))] ??= []).push(
        row
      );
    }
  }

  of(expert: number): StratifiedRanks {
    let ranks = this._ranks.get(expert);
    if (!ranks) {
      const shares: number[] = [];
      for (const row of this._rows) {
        shares[row] = this._counts.row(row)[expert] / this._totals.get(row)!;
      }
      ranks = new StratifiedRanks(
        shares,
        this._strata.filter(stratum => stratum !== undefined)
      );
      this._ranks.set(expert, ranks);
    }
    return ranks;
  }
}
