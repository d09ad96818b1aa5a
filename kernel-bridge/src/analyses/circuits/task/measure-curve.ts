/** Runs circuits of ten sizes on pairs, and computes CPR and CMD over them. */
import { drawn, randomNumbers } from '../../../base/statistics/random';
import { mean } from '../../../base/statistics/summary';
import {
  bootstrapInterval,
  resamples
} from '../../../base/statistics/bootstrap';
import type { TaskCurve, TaskFigure } from '../../../base/protocol';
import {
  runCircuits,
  type FaithfulnessOptions,
  type Unit
} from '../faithfulness';
import {
  FRACTIONS,
  fractionSizes,
  modelDistance,
  performanceRatio
} from './curve';
import type { PairRunner } from './run-pairs';
import type { NamedPair } from './split-pairs';

/** Orders of the units; a circuit is the first of them. */
export interface Rankings {
  /** Those that raise the target most come first. */
  helpful: readonly Unit[];
  /** Those with the largest absolute effect come first. */
  strongest: readonly Unit[];
}

export interface CurveOptions extends FaithfulnessOptions {
  resamples: number;
  /** Called with the number of circuits before they are run. */
  onPlanned?: (circuits: number) => void;
}

/** The target in both runs of a pair, and with circuits: [rankings][sizes]. */
export interface PairCurve {
  clean: number;
  corrupted: number;
  values: number[][];
}

export async function measureCurve(
  runner: PairRunner,
  pairs: readonly NamedPair[],
  { helpful, strongest }: Rankings,
  options: CurveOptions
): Promise<TaskCurve | undefined> {
  const random = randomNumbers(options.seed);
  const rankings = [
    helpful,
    strongest,
    ...Array.from({ length: options.randomCircuits }, () =>
      drawn(strongest, strongest.length, random)
    )
  ];
  const total = strongest.length;
  const sizes = [...new Set(fractionSizes(total))];
  const inner = sizes.filter(size => size > 0 && size < total);
  options.onPlanned?.(pairs.length * rankings.length * inner.length);
  const curves = await runner.each(pairs, async runs => {
    const measured = await runCircuits(
      runs,
      strongest,
      rankings.flatMap(units => inner.map(size => units.slice(0, size))),
      options
    );
    const { value: clean } = runs.clean;
    const { value: corrupted } = runs.corrupted;
    return {
      clean,
      corrupted,
      values: rankings.map((_, ranking) =>
        fractionSizes(total).map(size =>
          size === 0
            ? corrupted
            : size === total
              ? clean
              : measured[ranking * inner.length + inner.indexOf(size)]
        )
      )
    };
  });
  return curveOf(curves, total, options);
}

/** @returns undefined where the means of clean and corrupted are the same, or not finite */
export function curveOf(
  curves: readonly PairCurve[],
  total: number,
  { resamples: count, seed }: Pick<CurveOptions, 'resamples' | 'seed'>
): TaskCurve | undefined {
  const once = new Int32Array(curves.length).fill(1);
  const shares = curves[0].values.map((_, ranking) =>
    faithfulness(curves, once, ranking)
  );
  if (!shares.flat().every(Number.isFinite)) {
    return undefined;
  }
  const [helpful, strongest, ...others] = shares;
  const sizes = fractionSizes(total);
  const drawnFigures: { cpr: number[]; cmd: number[] } = { cpr: [], cmd: [] };
  for (const counts of resamples(curves.length, count, seed)) {
    const cpr = performanceRatio(faithfulness(curves, counts, 0));
    const cmd = modelDistance(faithfulness(curves, counts, 1));
    if (Number.isFinite(cpr) && Number.isFinite(cmd)) {
      drawnFigures.cpr.push(cpr);
      drawnFigures.cmd.push(cmd);
    }
  }
  const figure = (value: number, values: number[]): TaskFigure => {
    const interval = bootstrapInterval(values, curves.length);
    return {
      value,
      low: interval?.low ?? null,
      high: interval?.high ?? null
    };
  };
  return {
    points: FRACTIONS.map((fraction, i) => ({
      fraction,
      size: sizes[i],
      helpful: helpful[i],
      strongest: strongest[i],
      ...(others.length > 0 ? { random: mean(others.map(own => own[i])) } : {})
    })),
    cpr: figure(performanceRatio(helpful), drawnFigures.cpr),
    cmd: figure(modelDistance(strongest), drawnFigures.cmd),
    ...(others.length > 0
      ? {
          random: {
            circuits: others.length,
            cpr: mean(others.map(performanceRatio)),
            cmd: mean(others.map(modelDistance))
          }
        }
      : {})
  };
}

/** Ratios of means, as MIB takes them: [sizes]. */
function faithfulness(
  curves: readonly PairCurve[],
  counts: ArrayLike<number>,
  ranking: number
): number[] {
  let whole = 0;
  const above = curves[0].values[ranking].map(() => 0);
  curves.forEach(({ clean, corrupted, values }, pair) => {
    whole += counts[pair] * (clean - corrupted);
    values[ranking].forEach(
      (value, i) => (above[i] += counts[pair] * (value - corrupted))
    );
  });
  return above.map(value => value / whole);
}
