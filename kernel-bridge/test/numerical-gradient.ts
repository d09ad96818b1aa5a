/** Gradients of small graphs: as the project derives them, and as central differences of the graph's own results. */
import { Engine } from '../src/run/engine/engine';
import type { TensorValue } from '../src/run/engine/messages';
import { differentiate } from '../src/run/gradients/differentiate';
import { probeTensors, type RunGraph } from '../src/run/gradients/probe';
import { Graph } from '../src/onnx/graph/graph';
import { pruneGraph } from '../src/onnx/graph/prune';
import { encodeModelProto, type GraphProto } from '../src/onnx/file/schema';
import { GraphBuilder } from './graph-builder';

/** A graph whose inputs come with values; float64, so that differences are exact to many digits. */
export class TestGraph extends GraphBuilder {
  readonly feeds: Record<string, TensorValue> = {};
  readonly variables: string[] = [];
  private readonly _float: 'float64' | 'float32';

  constructor(options: { seed: number; opset?: number; float32?: boolean }) {
    super({ opset: 18, ...options });
    this._float = options.float32 ? 'float32' : 'float64';
  }

  /** An input to differentiate by. */
  variable(dims: number[], range: [number, number] = [-1, 1]): string {
    const name = this.fixed(dims, range);
    this.variables.push(name);
    return name;
  }

  /** An input that is not differentiated by. */
  fixed(dims: number[], [low, high]: [number, number] = [-1, 1]): string {
    const values = Array.from(
      { length: size(dims) },
      () => low + this.random() * (high - low)
    );
    return this._feed(
      {
        type: this._float,
        dims,
        data:
          this._float === 'float64'
            ? Float64Array.from(values)
            : Float32Array.from(values)
      },
      this._float === 'float64' ? 'double' : 'float'
    );
  }

  /** A float input of these values, to differentiate by. */
  values(values: number[], dims = [values.length]): string {
    const name = this.variable(dims);
    this.feeds[name].data.set(values as never);
    return name;
  }

  /** An int64 input, as what is computed in a run and no constant. */
  integers(values: number[], dims = [values.length]): string {
    return this._feed(
      { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) },
      'int64'
    );
  }

  booleans(dims: number[]): string {
    return this._feed(
      {
        type: 'bool',
        dims,
        data: Uint8Array.from({ length: size(dims) }, () =>
          this.random() < 0.5 ? 0 : 1
        )
      },
      'bool'
    );
  }

  private _feed(
    value: TensorValue,
    type: 'double' | 'float' | 'int64' | 'bool'
  ): string {
    const name = this.name('x');
    this.input(
      name,
      type,
      value.dims.map((_, axis) => `${name}_${axis}`)
    );
    this.feeds[name] = value;
    return name;
  }
}

export interface Comparison {
  /** Largest difference of an entry, relative to the largest entry or 1. */
  error: number;
  /** Nodes by operator that the gradients took. */
  emitted: Map<string, number>;
}

export interface CompareOptions {
  seed?: number;
  opset?: number;
  /** For operators without a float64 kernel. */
  float32?: boolean;
}

/**
 * Compares the gradients of a sum of a graph's results, each entry times a random number, with central differences.
 * @param write writes the graph and returns its results; `n`, a size that may differ between runs, is 3 where they are
 * compared and 2 in another probe
 */
export async function compareGradients(
  write: (graph: TestGraph, n: number) => string | string[],
  { seed = 1, opset = 18, float32 = false }: CompareOptions = {}
): Promise<Comparison> {
  const run = graphRunner(opset);
  const options = { seed, opset, float32 };
  const { b, plain, results, seeds, weights } = await weighted(
    write,
    3,
    options
  );
  const other = await weighted(write, 2, options);
  const graph = new Graph(b.build().graph);
  const feeds = { ...b.feeds, ...weights };
  const facts = await probeTensors(
    graph,
    [feeds, { ...other.b.feeds, ...other.weights }],
    run
  );
  const derived = differentiate(graph, facts, {
    seeds,
    by: b.variables,
    opset
  });
  const gradients = b.variables.map(name => {
    const gradient = derived.gradients.get(name);
    if (!gradient) {
      throw new Error(`no gradient by ${name}`);
    }
    return gradient;
  });
  const pruned = pruneGraph(new Graph(derived.graph), gradients);
  const own = new Set(graph.nodes.map(({ proto }) => proto));
  const emitted = new Map<string, number>();
  pruned.node
    .filter(node => !own.has(node))
    .forEach(({ opType = '' }) =>
      emitted.set(opType, (emitted.get(opType) ?? 0) + 1)
    );
  const used = new Set(pruned.input.map(({ name }) => name));
  const [got] = await run(
    pruned,
    [Object.fromEntries(Object.entries(feeds).filter(([n]) => used.has(n)))],
    gradients
  );
  const step = float32 ? 1e-2 : 1e-5;
  let error = 0;
  for (const [i, name] of b.variables.entries()) {
    const value = b.feeds[name];
    const moved = Array.from(value.data as Float64Array).flatMap((x, at) =>
      [1, -1].map(sign => {
        const data = value.data.slice() as Float64Array;
        data[at] = x + sign * step;
        return { ...b.feeds, [name]: { ...value, data } };
      })
    );
    const sums = (await run(plain, moved, results)).map(outputs =>
      results.reduce(
        (sum, result) =>
          sum + dot(outputs[result], weights[seeds.get(result)!]),
        0
      )
    );
    const numeric = Array.from(
      value.data as Float64Array,
      (_, at) => (sums[2 * at] - sums[2 * at + 1]) / (2 * step)
    );
    const gradient = got[gradients[i]];
    const scale = Math.max(1, ...numeric.map(Math.abs));
    const largest = Math.max(
      0,
      ...numeric.map((n, at) => Math.abs(n - Number(gradient.data[at])) / scale)
    );
    error = Math.max(
      error,
      gradient.dims.join() === value.dims.join() && !Number.isNaN(largest)
        ? largest
        : Infinity
    );
  }
  return { error, emitted };
}

/** The graph with an input for the weight of each entry of its results, and random weights. */
async function weighted(
  write: (graph: TestGraph, n: number) => string | string[],
  n: number,
  options: Required<CompareOptions>
) {
  const b = new TestGraph(options);
  const type = options.float32 ? 'float' : 'double';
  const results = [write(b, n)].flat();
  results.forEach(name => b.output(name, type));
  const plain = { ...b.build().graph, input: [...b.inputs] };
  const [first] = await graphRunner(options.opset)(plain, [b.feeds], results);
  const seeds = new Map<string, string>();
  const weights: Record<string, TensorValue> = {};
  for (const name of results) {
    const { dims, data } = first[name];
    const seed = b.input(
      `seed_${name}`,
      type,
      dims.map((_, axis) => `${name}_${axis}`)
    );
    seeds.set(name, seed);
    weights[seed] = {
      ...first[name],
      data: (data as Float64Array).map(() => b.random() * 2 - 1)
    };
  }
  return { b, plain, results, seeds, weights };
}

/** Runs graphs that hold their weights themselves. */
export function graphRunner(opset: number): RunGraph {
  return async (graph, feeds, fetches) => {
    const session = await Engine.shared().createSession({
      bytes: encodeModel(graph, opset),
      folder: '.'
    });
    try {
      const runs = [];
      for (const feed of feeds) {
        runs.push((await session.run(feed, [...fetches])).outputs);
      }
      return runs;
    } finally {
      await session.release();
    }
  };
}

function encodeModel(graph: GraphProto, opset: number): Uint8Array {
  return encodeModelProto({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: opset },
      { domain: 'com.microsoft', version: 1 }
    ],
    functions: [],
    graph
  });
}

function dot(a: TensorValue, b: TensorValue): number {
  return (a.data as Float64Array).reduce(
    (sum, x, i) => sum + x * Number(b.data[i]),
    0
  );
}

function size(dims: readonly number[]): number {
  return dims.reduce((product, n) => product * n, 1);
}
