import { upperNormalTail } from './normal';
import { midRanks } from './ranks';

/**
 * Rank-sum tests with strata (van Elteren 1960, Bulletin of the International Statistical Institute 37) of the same values
 * for many labels. They take the normal approximation, with tie and continuity corrections, which is conservative where few
 * units have the label.
 */
export class StratifiedRanks {
  private readonly _strata: {
    units: ArrayLike<number>;
    ranks: Float64Array;
    /** Variance of a rank sum, divided by the numbers of units with and without the label. */
    variance: number;
  }[];

  /**
   * @param values one a unit
   * @param strata the units of each stratum
   */
  constructor(values: ArrayLike<number>, strata: readonly ArrayLike<number>[]) {
    this._strata = strata
      .filter(units => units.length > 1)
      .map(units => {
        const { ranks, ties } = midRanks(
          Float64Array.from(units, unit => values[unit])
        );
        const n = units.length;
        return { units, ranks, variance: (n + 1 - ties / (n * (n - 1))) / 12 };
      });
  }

  /**
   * One-sided: the probability that labelled units have ranks at least as high if labels are permuted within strata.
   * @param labelled one a unit
   * @returns 1 where no stratum has units with and without the label
   */
  higherP(labelled: ArrayLike<unknown>): number {
    let excess = 0;
    let variance = 0;
    let step = Infinity;
    for (const { units, ranks, variance: spread } of this._strata) {
      const total = units.length;
      let chosen = 0;
      let sum = 0;
      for (let i = 0; i < total; i++) {
        if (labelled[units[i]]) {
          chosen++;
          sum += ranks[i];
        }
      }
      if (chosen > 0 && chosen < total) {
        // Van Elteren's weights: the best where all strata have the same shift.
        const weight = 1 / (total + 1);
        excess += weight * (sum - (chosen * (total + 1)) / 2);
        variance += weight ** 2 * spread * chosen * (total - chosen);
        step = Math.min(step, weight);
      }
    }
    return variance > 0
      ? upperNormalTail((excess - step / 2) / Math.sqrt(variance))
      : 1;
  }
}
