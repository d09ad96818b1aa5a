/**
 * Directions of the residual stream that tell clean from corrupted prompts: the difference of their means at the target's
 * token (Marks and Tegmark 2023, arXiv:2310.06824), tried on other pairs than it was computed from.
 */
import { randomNumbers } from '../../../base/statistics/random';
import { monteCarloP } from '../../../base/statistics/monte-carlo';
import { mean, populationDeviation } from '../../../base/statistics/summary';
import type {
  DirectionControl,
  DirectionEffect,
  TaskDirection
} from '../../../base/protocol';
import {
  changedValues,
  type PatchRunOptions,
  type TensorChange
} from '../../patching/patch-runs';
import { signFlipTest } from '../../../base/statistics/sign-flips';
import type { RecordedRun } from '../../patching/two-runs';
import type { PairRunner } from './run-pairs';
import type { NamedPair } from './split-pairs';
import { streamPoints, streamRows, type StreamRows } from './stream-rows';

export interface DirectionOptions extends PatchRunOptions {
  /** Index of the layer whose direction is compared with controls. Default: chosen on the found pairs. */
  tested?: number;
  /** Number of random directions, and of exchanged ones. */
  controls: number;
  seed: number;
  /** Called with the number of changes before they are run. */
  onPlanned?: (changes: number) => void;
}

/** With fewer pairs, exchanging them gives too few other directions. */
const LEAST_EXCHANGED = 4;
/** A layer steers far enough where its direction moves the target this share of what the best one does. */
const FAR_ENOUGH = 0.5;

/** The difference of means at one point of the stream. */
export interface Direction {
  vector: Float32Array;
  /** [width]: the middle between both means. */
  middle: Float32Array;
}

/** @param rows of the pairs that directions are computed from */
export function differencesOfMeans(rows: readonly StreamRows[]): Direction[] {
  return rows[0].clean.map((_, point) => {
    const clean = meanRow(rows.map(own => own.clean[point]));
    const corrupted = meanRow(rows.map(own => own.corrupted[point]));
    return {
      vector: clean.map((x, i) => x - corrupted[i]),
      middle: clean.map((x, i) => (x + corrupted[i]) / 2)
    };
  });
}

/** @param rows of the found pairs */
export async function tryDirections(
  runner: PairRunner,
  found: readonly NamedPair[],
  heldOut: readonly NamedPair[],
  rows: readonly StreamRows[],
  options: DirectionOptions
): Promise<TaskDirection[]> {
  const directions = differencesOfMeans(rows);
  const tested =
    options.tested ??
    (await firstThatSteers(runner, found, directions, options));
  const { controls, seed } = options;
  const draw = randomNumbers(seed);
  const random = randomDirections(directions[tested], controls, draw);
  const exchanged = exchangedDirections(rows, tested, controls, draw);
  /** What is tried: all directions, then the controls of the tested layer. */
  const steered = [...directions, ...random, ...exchanged];
  const removed = [...directions, ...random];
  const pointOf = (i: number): number => (i < directions.length ? i : tested);
  options.onPlanned?.(heldOut.length * (steered.length + 2 * removed.length));
  const outcomes = await runner.each(heldOut, async runs => {
    const points = streamPoints(runs);
    const own = streamRows(runs);
    const changes = async (
      base: RecordedRun,
      tried: readonly Direction[],
      vectorOf: (direction: Direction, point: number) => Float32Array
    ): Promise<number[]> => {
      const values = await changedValues(
        runs,
        base,
        tried.map((direction, i) =>
          addedAt(
            points[pointOf(i)].tensor,
            runs.target.position,
            vectorOf(direction, pointOf(i))
          )
        ),
        options
      );
      return values.map(value => value - base.value);
    };
    const [clean, corrupted] = [
      await changes(runs.clean, removed, (direction, point) =>
        toTheMiddle(own.clean[point], direction)
      ),
      await changes(runs.corrupted, removed, (direction, point) =>
        toTheMiddle(own.corrupted[point], direction)
      )
    ];
    return {
      whole: runs.clean.value - runs.corrupted.value,
      separated: directions.map(
        ({ vector }, point) =>
          dot(vector, own.clean[point]) > dot(vector, own.corrupted[point])
      ),
      steering: await changes(runs.corrupted, steered, ({ vector }) => vector),
      removal: clean.map((change, i) => change - corrupted[i])
    };
  });
  const whole = mean(outcomes.map(own => own.whole));
  const meanOf = (of: 'steering' | 'removal', i: number): number =>
    mean(outcomes.map(own => own[of][i]));
  const others = (of: 'steering' | 'removal', some: Direction[]): number[] =>
    some.map((_, i) =>
      meanOf(of, directions.length + (some === random ? 0 : random.length) + i)
    );
  const flips = await signFlipTest(
    outcomes.map(own => Float64Array.of(own.removal[tested])),
    seed
  );
  return directions.map(({ vector }, point): TaskDirection => {
    const steering = effectOf(meanOf('steering', point), whole, 1);
    const removal = effectOf(meanOf('removal', point), whole, -1);
    const isTested = point === tested;
    return {
      layer: rows[0].layers[point],
      length: length(vector),
      separated: mean(outcomes.map(own => (own.separated[point] ? 1 : 0))),
      steering: isTested
        ? {
            ...steering,
            random: control(others('steering', random)),
            p: Math.max(
              beyond(steering.effect, others('steering', random), whole),
              exchanged.length === 0
                ? 1
                : beyond(steering.effect, others('steering', exchanged), whole)
            )
          }
        : steering,
      removal: isTested
        ? {
            ...removal,
            random: control(others('removal', random)),
            p: Math.max(
              beyond(removal.effect, others('removal', random), -whole),
              (removal.share ?? 0) > 0 ? flips[0] : 1
            )
          }
        : removal
    };
  });
}

/** The first layer that steers the found pairs far enough. */
async function firstThatSteers(
  runner: PairRunner,
  found: readonly NamedPair[],
  directions: readonly Direction[],
  options: DirectionOptions
): Promise<number> {
  options.onPlanned?.(found.length * directions.length);
  const effects = await runner.each(found, async runs => {
    const values = await changedValues(
      runs,
      runs.corrupted,
      streamPoints(runs).map(({ tensor }, point) =>
        addedAt(tensor, runs.target.position, directions[point].vector)
      ),
      options
    );
    return {
      whole: runs.clean.value - runs.corrupted.value,
      steering: values.map(value => value - runs.corrupted.value)
    };
  });
  const towards = Math.sign(mean(effects.map(({ whole }) => whole)));
  const means = directions.map(
    (_, point) => towards * mean(effects.map(({ steering }) => steering[point]))
  );
  const best = Math.max(...means);
  return Math.max(
    0,
    means.findIndex(value => value >= FAR_ENOUGH * best)
  );
}

/** Uniformly random directions of the same length. */
function randomDirections(
  { vector, middle }: Direction,
  count: number,
  random: () => number
): Direction[] {
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const wanted = length(vector);
  return Array.from({ length: count }, () => {
    const drawn = vector.map(normal);
    const factor = wanted / length(drawn);
    return { vector: drawn.map(x => x * factor), middle };
  });
}

/** Differences in means with clean and corrupted exchanged in some pairs; none for too few pairs. */
function exchangedDirections(
  rows: readonly StreamRows[],
  point: number,
  count: number,
  random: () => number
): Direction[] {
  return rows.length < LEAST_EXCHANGED
    ? []
    : Array.from({ length: count }, () => {
        const exchanged = exchange(rows.length, random);
        return differencesOfMeans(
          rows.map(({ layers, clean, corrupted }, pair) => {
            const own = {
              clean: [clean[point]],
              corrupted: [corrupted[point]]
            };
            return exchanged[pair]
              ? { layers, clean: own.corrupted, corrupted: own.clean }
              : { layers, ...own };
          })
        )[0];
      });
}

/** Which pairs are exchanged: at least one. */
function exchange(pairs: number, random: () => number): boolean[] {
  for (;;) {
    const exchanged = Array.from({ length: pairs }, () => random() < 0.5);
    if (exchanged.includes(true)) {
      return exchanged;
    }
  }
}

/** @param sign 1 where the effect is to be towards the clean prompt */
function effectOf(
  effect: number,
  whole: number,
  sign: 1 | -1
): DirectionEffect {
  return { effect, share: whole === 0 ? null : (sign * effect) / whole };
}

/** Monte Carlo p-value of an effect among others, in the direction of `towards`. */
function beyond(
  effect: number,
  others: readonly number[],
  towards: number
): number {
  const sign = towards < 0 ? -1 : 1;
  return monteCarloP(
    others.filter(other => sign * other >= sign * effect).length,
    others.length
  );
}

function control(effects: readonly number[]): DirectionControl {
  return {
    directions: effects.length,
    mean: mean(effects),
    deviation: populationDeviation(effects)
  };
}

function addedAt(
  tensor: string,
  position: number,
  vector: Float32Array
): TensorChange {
  return {
    tensor,
    write: (_, value) => value.set(vector, position * vector.length)
  };
}

/** What moves a row's coordinate along a direction to the middle. */
function toTheMiddle(
  row: Float32Array,
  { vector, middle }: Direction
): Float32Array {
  const square = dot(vector, vector);
  const off =
    square === 0 ? 0 : (dot(middle, vector) - dot(row, vector)) / square;
  return vector.map(x => off * x);
}

function meanRow(rows: readonly Float32Array[]): Float32Array {
  return rows[0].map(
    (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length
  );
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

function length(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}
