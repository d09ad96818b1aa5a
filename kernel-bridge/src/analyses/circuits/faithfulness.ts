/**
 * Measures the faithfulness of a circuit: runs the clean prompt with every edge outside the circuit patched from the
 * corrupted prompt.
 */
import { largestThatFits } from '../attribution/batches';
import { cancellable } from '../../run/engine/cancel';
import { checkMemory } from '../../run/gradients/memory';
import { drawn, randomNumbers } from '../../base/statistics/random';
import { mean, populationDeviation } from '../../base/statistics/summary';
import type { CircuitPoint } from '../../base/protocol';
import type { TwoRuns } from '../patching/two-runs';
import { EDGE_INPUT, edgeGraph } from './edge-graph';

/** What is left out together: all edges of one source, or one edge. */
export interface Unit {
  edges: readonly {
    source: number;
    /** Default: all readers. */
    reader?: number;
  }[];
  /** First-order effect. */
  effect: number;
}

export interface FaithfulnessOptions {
  /** Random circuits per size. */
  randomCircuits: number;
  seed: number;
  batch?: number;
  signal?: AbortSignal;
  /** Called after each run with the number of circuits in it. */
  onRun?: (circuits: number) => void;
}

const MAX_CIRCUITS = 16;

/** Circuit sizes to measure: 0, powers of two, and all. */
export function curveSizes(total: number): number[] {
  const sizes = [0];
  for (let size = 1; size < total; size *= 2) {
    sizes.push(size);
  }
  return total > 0 ? [...sizes, total] : sizes;
}

/**
 * @param units strongest first
 * @param sizes each circuit consists of that many of the first units
 */
export async function measureFaithfulness(
  runs: TwoRuns,
  units: readonly Unit[],
  sizes: readonly number[],
  { randomCircuits, seed, batch, signal, onRun }: FaithfulnessOptions
): Promise<CircuitPoint[]> {
  const random = randomNumbers(seed);
  const inner = (size: number): boolean => size > 0 && size < units.length;
  const circuits = sizes.flatMap(size => [
    units.slice(0, size),
    ...(inner(size)
      ? Array.from({ length: randomCircuits }, () => drawn(units, size, random))
      : [])
  ]);
  const values = await runCircuits(runs, units, circuits, {
    batch,
    signal,
    onRun
  });
  const { clean, corrupted } = runs;
  const whole = clean.value - corrupted.value;
  const share = (value: number): number | null =>
    whole === 0 || !Number.isFinite(value)
      ? null
      : (value - corrupted.value) / whole;
  let next = 0;
  return sizes.map((size): CircuitPoint => {
    const value = values[next++];
    const others = inner(size)
      ? values.slice(next, (next += randomCircuits)).map(share)
      : [];
    const weakest = units[size - 1];
    return {
      size,
      threshold: weakest ? Math.abs(weakest.effect) : null,
      value: Number.isFinite(value) ? value : null,
      faithfulness: share(value),
      ...(others.length > 0
        ? { random: { circuits: others.length, ...spread(others) } }
        : {})
    };
  });
}

/** The target's value for each circuit. */
export async function runCircuits(
  runs: TwoRuns,
  units: readonly Unit[],
  circuits: readonly (readonly Unit[])[],
  {
    batch,
    signal,
    onRun
  }: Pick<FaithfulnessOptions, 'batch' | 'signal' | 'onRun'> = {}
): Promise<number[]> {
  const { layout, sources, gradients, target, clean, corrupted } = runs;
  const graph = edgeGraph(layout, sources, { exchanges: true });
  const session = await cancellable(
    gradients.session({
      kind: target.kind,
      tensor: graph.target,
      forwardOnly: true,
      on: graph.derived
    }),
    signal
  );
  const tokens = clean.run.sequence.ids.length;
  const numbers = corrupted.added[0].length;
  const bytes = (rows: number): number =>
    session.bytes({ batch: rows, tokens }) +
    // Every state that reads the sources holds a copy of their outputs.
    4 * rows * numbers * sources.length * layout.states.length;
  checkMemory(bytes(1), runs.memoryLimit, { batch: 1, tokens });
  const size = largestThatFits(
    Math.min(batch ?? MAX_CIRCUITS, runs.largest),
    rows => bytes(rows) <= runs.memoryLimit
  );
  const others = new Float32Array(sources.length * numbers);
  corrupted.added.forEach((values, i) => others.set(values, i * numbers));
  const table = graph.readers.length * sources.length;
  const all = new Float32Array(table);
  units.forEach(unit => mark(all, unit, sources.length, 1));
  const values: number[] = [];
  for (let start = 0; start < circuits.length; start += size) {
    const rows = circuits.slice(start, start + size);
    const exchanged = new Float32Array(rows.length * table);
    rows.forEach((circuit, row) => {
      const own = exchanged.subarray(row * table, (row + 1) * table);
      own.set(all);
      circuit.forEach(unit => mark(own, unit, sources.length, 0));
    });
    const found = await cancellable(
      session.run({
        ...clean.run,
        scales: rows.map(() => 1),
        feeds: {
          [EDGE_INPUT.exchanged]: {
            type: 'float32',
            dims: [rows.length, graph.readers.length, sources.length],
            data: exchanged
          },
          [EDGE_INPUT.others]: {
            type: 'float32',
            dims: [1, sources.length, numbers],
            data: others
          }
        }
      }),
      signal
    );
    values.push(...found.values);
    onRun?.(rows.length);
  }
  return values;
}

function mark(
  table: Float32Array,
  { edges }: Unit,
  sources: number,
  value: number
): void {
  for (const { source, reader } of edges) {
    if (reader !== undefined) {
      table[reader * sources + source] = value;
      continue;
    }
    for (let at = source; at < table.length; at += sources) {
      table[at] = value;
    }
  }
}

function spread(values: readonly (number | null)[]): {
  mean: number | null;
  deviation: number | null;
} {
  if (values.some(value => value === null)) {
    return { mean: null, deviation: null };
  }
  const known = values as number[];
  return { mean: mean(known), deviation: populationDeviation(known) };
}
