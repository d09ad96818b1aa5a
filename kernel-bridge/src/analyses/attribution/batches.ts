/** Runs many variants of one prompt in batches whose size is tuned on the way. */
import { cancellable } from '../../run/engine/cancel';
import type { Session } from '../../run/engine/engine';
import type {
  GradientFetches,
  GradientRun,
  GradientSession,
  GradientValues
} from '../../run/gradients/gradient-session';
import { checkMemory } from '../../run/gradients/memory';
import type { Runnable } from '../../run/model/runnable';
import { BatchSizes } from './batch-sizes';

export interface BatchOptions {
  /** Maximum batch size; 1 where entries of a batch would affect one another. */
  largest: number;
  /** Fixed batch size, if the user gives one. */
  batch?: number;
  memoryLimit: number;
  signal?: AbortSignal;
  /** Called after each run with its number of entries. */
  onRun?: (entries: number) => void;
}

/** One entry of a batch: its distance from the baseline, for all tokens or per token, and its weight in the sum. */
export interface Variant {
  scale: number | readonly number[];
  weight?: number;
}

export interface VariantsRun {
  /** Sum over all variants of weight times gradient, [tokens, width]. */
  sum?: Float64Array;
  values: number[];
  /** Outputs of each run, with its number of entries. */
  runs: { values: GradientValues; entries: number }[];
  /** The fastest batch size. */
  batch: number;
}

/** Timings so far, by onnxruntime session and number of tokens. */
const measured = new WeakMap<Session, Map<number, BatchSizes>>();

function sizesOf({ shared }: GradientSession, tokens: number): BatchSizes {
  const byTokens = measured.get(shared) ?? new Map<number, BatchSizes>();
  const sizes = byTokens.get(tokens) ?? new BatchSizes();
  measured.set(shared, byTokens.set(tokens, sizes));
  return sizes;
}

/** @throws MoEDebuggerError 'gradient' when one entry exceeds the memory limit; 'cancelled' */
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
  const sizes = sizesOf(session, tokens);
  const largest = largestThatFits(
    Math.min(options.largest, options.batch ?? variants.length),
    fits
  );
  for (let next = 0; next < variants.length;) {
    const size = options.batch ? largest : sizes.next(largest);
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
    if (batch.length === size) {
      sizes.add(size, performance.now() - start);
    }
    next += batch.length;
    result.values.push(...values.values);
    result.runs.push({ values, entries: batch.length });
    if (values.sum) {
      result.sum ??= new Float64Array(values.sum.length);
      values.sum.forEach((x, i) => (result.sum![i] += x));
    }
    options.onRun?.(batch.length);
  }
  result.batch = options.batch ? largest : sizes.best(largest);
  return result;
}

/** Largest batch, up to a maximum, whose activations fit the memory limit. */
export function largestThatFits(
  most: number,
  fits: (batch: number) => boolean
): number {
  let batch = Math.min(most, MAX_BATCH);
  while (batch > 1 && !fits(batch)) {
    batch = Math.ceil(batch / 2);
  }
  return Math.max(1, batch);
}

const MAX_BATCH = 64;

/** False for routers with a capacity: a batch shares it, so its entries would change each other's routing. */
export function mayBatch({ inputs, routers }: Runnable): boolean {
  return (
    inputs.batched &&
    routers.every(({ convention }) => convention.capacity === undefined)
  );
}
