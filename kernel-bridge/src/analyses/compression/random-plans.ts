/** Plans that remove as many experts of each layer at random: what a plan must be better than. */
import { drawn, randomNumbers } from '../../base/statistics/random';
import type { Edits } from '../../run/edits/edits';
import type { PlanEffect } from '../held-out/measure-effect';
import type { LayerPlan, RandomPlans } from './compression-document';
import { planEdits } from './plan-edits';

const SEED = 1;

/** The edits of random plans: as many experts of each layer masked as the plan removes. */
export function randomEdits(
  layers: readonly LayerPlan[],
  count: number
): Edits[] {
  const random = randomNumbers(SEED);
  return Array.from({ length: count }, () =>
    planEdits(
      layers.map(plan => ({
        ...plan,
        prune: drawn(
          Array.from({ length: plan.experts }, (_, e) => e),
          plan.experts - plan.keep.length,
          random
        ),
        merge: []
      }))
    )
  );
}

export function compared(
  { all }: PlanEffect,
  random: readonly PlanEffect[]
): RandomPlans {
  return {
    seed: SEED,
    plans: random.map(({ all: own }) => ({
      lossWithPlan: own.lossWithPlan,
      change: own.change,
      kl: own.kl
    })),
    better: random.filter(({ all: own }) => own.kl < all.kl).length
  };
}
