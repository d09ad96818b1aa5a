/** The forward of a one-layer `tinyMoE` without norms, in plain loops over its weights: what tests compare with. */
import { inlineValues } from '../src/onnx/file/tensor';
import type { GraphBuilder } from './graph-builder';

type Matrix = number[][];

export interface TinyForward {
  /** [tokens][experts] */
  logits: Matrix;
  selected: Matrix;
  weights: Matrix;
  /** [tokens][experts][hidden]: every expert on every token. */
  outputs: Matrix[];
  /** [tokens][hidden]: what the layer adds. */
  added: Matrix;
  /** [tokens][vocabulary]: natural logarithms of next-token probabilities. */
  logProbabilities: Matrix;
}

export interface TinyPlan {
  masked?: readonly number[];
  swapped?: ReadonlyMap<number, number>;
  /** What becomes of the hidden units of an expert, after their activation function. */
  hidden?: (units: readonly number[], expert: number) => number[];
}

export class TinyWeights {
  private readonly _values: number[][];
  private readonly _dims: number[][];

  constructor(builder: GraphBuilder) {
    const weights = builder.initializers.filter(({ name }) =>
      name!.startsWith('weight')
    );
    this._values = weights.map(tensor => [...inlineValues(tensor)!]);
    this._dims = weights.map(({ dims }) => dims.map(Number));
  }

  forward(
    ids: readonly number[],
    topK: number,
    {
      masked = [],
      swapped = new Map(),
      hidden = units => [...units]
    }: TinyPlan = {}
  ): TinyForward {
    const [embedding, query, key, value, out, router, up, down, unembedding] =
      this._values.map((_, i) => this._matrices(i));
    const embedded = ids.map(id => embedding[0][id]);
    const [q, k, v] = [query, key, value].map(([w]) => product(embedded, w));
    const attention = product(q, transpose(k)).map(softmax);
    const stream = sum(embedded, product(product(attention, v), out[0]));
    const logits = product(stream, router[0]);
    const outputs = stream.map(x =>
      up.map(
        (own, e) =>
          product(
            product([x], own).map(row =>
              hidden(
                row.map(n => Math.max(0, n)),
                e
              )
            ),
            down[e]
          )[0]
      )
    );
    const selected = logits.map(row =>
      row
        .map((logit, e) => ({ logit, e }))
        .filter(({ e }) => !masked.includes(e))
        .sort((a, b) => b.logit - a.logit)
        .slice(0, topK)
        .map(({ e }) => e)
    );
    const weights = selected.map((chosen, t) =>
      softmax(chosen.map(e => logits[t][e]))
    );
    const added = selected.map((chosen, t) =>
      stream[t].map((_, d) =>
        chosen.reduce(
          (total, e, slot) =>
            total + weights[t][slot] * outputs[t][swapped.get(e) ?? e][d],
          0
        )
      )
    );
    return {
      logits,
      selected,
      weights,
      outputs,
      added,
      logProbabilities: product(sum(stream, added), unembedding[0]).map(row =>
        softmax(row).map(Math.log)
      )
    };
  }

  /** A weight as matrices: one, or one an expert. */
  private _matrices(index: number): Matrix[] {
    const [columns, rows, count = 1] = [...this._dims[index]].reverse();
    const at = (matrix: number, row: number): number =>
      (matrix * rows + row) * columns;
    return Array.from({ length: count }, (_, m) =>
      Array.from({ length: rows }, (__, r) =>
        this._values[index].slice(at(m, r), at(m, r) + columns)
      )
    );
  }
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map(row =>
    b[0].map((_, c) => row.reduce((total, x, i) => total + x * b[i][c], 0))
  );
}

function transpose(a: Matrix): Matrix {
  return a[0].map((_, c) => a.map(row => row[c]));
}

function sum(a: Matrix, b: Matrix): Matrix {
  return a.map((row, r) => row.map((x, c) => x + b[r][c]));
}

function softmax(row: readonly number[]): number[] {
  const exponentials = row.map(x => Math.exp(x - Math.max(...row)));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map(x => x / total);
}
