/** Runs many variants of one prompt in batches, whose size is found while they run: none is run to measure only. */
import { cancellable } from '../engine/cancel';
import type {
  GradientFetches,
  GradientRun,
  GradientSession,
  GradientValues
} from '../gradients/gradient-session';
import { checkMemory } from '../gradients/memory';

export interface BatchOptions {
  /** At most so many at once: 1 where entries of a batch would disturb one another. */
  largest: number;
  /** So many at once, if a user says so. */
  batch?: number;
  memoryLimit: number;
  signal?: AbortSignal;
  /** Called after each run with how many entries it had. */
  onRun?: (entries: number) => void;
}

/** One entry of a batch: how far from the baseline, as a whole or token by token, and its weight in a sum. */
export interface Variant {
  scale: number | readonly number[];
  weight?: number;
}

export interface VariantsRun {
  /** Sum over all variants of weight times gradient, [tokens, width]. */
  sum?: Float64Array;
  values: number[];
  /** What each run handed out, with the entries that it had. */
  runs: { values: GradientValues; entries: number }[];
  /** The size of batch that was fastest. */
  batch: number;
}

/** What was found to be fastest, by session and number of tokens. */
const fastestBatches = new WeakMap<GradientSession, Map<number, number>>();

function remember(
  session: GradientSession,
  tokens: number,
  batch: number
): void {
  const known = fastestBatches.get(session) ?? new Map<number, number>();
  fastestBatches.set(session, known.set(tokens, batch));
}

const MAX_BATCH = 64;
/** A larger batch must save so much of the time for an entry to be worth its memory. */
const WORTH = 0.95;

/** @throws MoEDebuggerError 'gradient' when a single entry takes more memory than there may be; 'cancelled' */
export async function runVariants(
  session: GradientSession,
  run: GradientRun,
  variants: readonly Variant[],
  fetches: GradientFetches,
  options: BatchOptions
): Promise<VariantsRun> {
  const tokens = run.sequence.ids.length;
  const fits = (batch: number): boolean =>
    session.bytes({ batch, tokens }) <= options.memoryLimit;
  const one = { batch: 1, tokens };
  checkMemory(session.bytes(one), options.memoryLimit, one);
  const result: VariantsRun = { values: [], runs: [], batch: 1 };
  const known = fastestBatches.get(session)?.get(tokens);
  let size = Math.min(options.batch ?? known ?? 1, options.largest);
  while (size > 1 && !fits(size)) {
    size = Math.ceil(size / 2);
  }
  result.batch = size;
  let fastest = Infinity;
  let own = Infinity;
  let settled = (options.batch ?? known) !== undefined;
  let again = true;
  for (let next = 0; next < variants.length;) {
    const batch = variants.slice(next, next + size);
    const start = performance.now();
    const values = await cancellable(
      session.run(
        {
          ...run,
          scales: batch.map(({ scale }) => scale) as readonly number[],
          stepWeights: batch.map(({ weight = 1 }) => weight)
        },
        fetches
      ),
      options.signal
    );
    const each = (performance.now() - start) / batch.length;
    next += batch.length;
    result.values.push(...values.values);
    result.runs.push({ values, entries: batch.length });
    if (values.sum) {
      result.sum ??= new Float64Array(values.sum.length);
      values.sum.forEach((x, i) => (result.sum![i] += x));
    }
    options.onRun?.(batch.length);
    if (settled || batch.length < size) {
      continue;
    }
    // The first run of a size also gets memory for it, so each is run twice.
    own = Math.min(own, each);
    if (again) {
      again = false;
      continue;
    }
    const faster = own < fastest * WORTH;
    result.batch = faster ? size : result.batch;
    const larger = Math.min(2 * size, options.largest, MAX_BATCH);
    if (faster && larger > size && fits(larger)) {
      [fastest, own, size, again] = [own, Infinity, larger, true];
      continue;
    }
    settled = true;
    size = result.batch;
    remember(session, tokens, size);
  }
  return result;
}
