/**
 * A tiny model whose file itself is changed as an edit would change its runs: weights, a bias or a vector that the file
 * holds. Nothing of the project's edits takes part, so that such a file is the truth for a model with edits.
 */
import type { GraphBuilder } from './graph-builder';
import { tinyMoE, type RouterWriter, type TinyOptions } from './tiny-moe';

export const SIZE = {
  layers: 2,
  experts: 8,
  topK: 2,
  hidden: 16,
  intermediate: 12,
  heads: 2,
  seed: 11,
  // A norm of zero embeddings would divide by zero.
  norms: false,
  // Weights scattered by expert take no swap.
  picks: 'one-hot'
} satisfies TinyOptions;

/** By layer: what is added to each expert's logit, and to what it is selected by. */
export interface Biases {
  logits?: Record<number, number[]>;
  selection?: Record<number, number[]>;
}

/** Softmax and top-k, weighted by scores divided by their sum; with biases in the file where there are any. */
export function biasedRouter({
  logits: added = {},
  selection = {}
}: Biases = {}): RouterWriter {
  let layer = 0;
  return (b, x, { experts, topK, hidden }) => {
    const [bias, favour] = [added[layer], selection[layer]];
    layer++;
    const own = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
    const logits = bias ? b.op('Add', [own, b.floats(bias)]) : own;
    const scores = b.op('Softmax', [logits], { axis: -1 });
    const compared = favour ? b.op('Add', [scores, b.floats(favour)]) : scores;
    const [values, selected] = b.many('TopK', [compared, b.ints([topK])], 2);
    const chosen = favour
      ? b.op('GatherElements', [scores, selected], { axis: 1 })
      : values;
    const sum = b.over('ReduceSum', chosen, [-1], { keepdims: 1 });
    return { selected, weights: b.op('Div', [chosen, sum]) };
  };
}

/** Zeros, and a value for one expert. */
export function only(expert: number, value: number): number[] {
  return Array.from({ length: SIZE.experts }, (_, e) =>
    e === expert ? value : 0
  );
}

export function withBiases(biases: Biases): GraphBuilder {
  return tinyMoE({ ...SIZE, router: biasedRouter(biases) });
}

/** Multiplies what an expert returns. */
export function withScaled(
  layer: number,
  expert: number,
  factor: number
): GraphBuilder {
  const b = withBiases({});
  const { outer } = expertWeights(b, layer, expert);
  outer.forEach((value, i) => (outer[i] = value * factor));
  return b;
}

/** Gives an expert the weights of another. */
export function withSwapped(
  layer: number,
  expert: number,
  other: number
): GraphBuilder {
  const b = withBiases({});
  const [own, from] = [expert, other].map(e => expertWeights(b, layer, e));
  own.inner.set(from.inner);
  own.outer.set(from.outer);
  return b;
}

/** Adds a vector to the stream after a layer. */
export function withVector(layer: number, vector: number[]): GraphBuilder {
  const b = withBiases({});
  // Two additions to the stream a layer: attention, and the experts.
  const joins = b.nodes.filter(({ opType }) => opType === 'Add');
  const join = joins[2 * layer + 1];
  const [output] = join.output;
  join.output[0] = `${output}_before`;
  b.nodes.splice(b.nodes.indexOf(join) + 1, 0, {
    opType: 'Add',
    input: [`${output}_before`, b.floats(vector)],
    output: [output],
    attribute: []
  });
  return b;
}

/** Moves one entry of the embedding of a token. */
export function withMovedEmbedding(
  b: GraphBuilder,
  id: number,
  entry: number,
  by: number
): GraphBuilder {
  const [table] = b.initializers;
  floatsOf(table)[id * SIZE.hidden + entry] += by;
  return b;
}

function expertWeights(
  b: GraphBuilder,
  layer: number,
  expert: number
): { inner: Float32Array; outer: Float32Array } {
  const { experts, hidden, intermediate } = SIZE;
  const of = (dims: number[]): Float32Array => {
    const all = b.initializers.filter(
      own => own.dims?.join() === [experts, ...dims].join()
    );
    const size = hidden * intermediate;
    return floatsOf(all[layer]).subarray(expert * size, (expert + 1) * size);
  };
  return {
    inner: of([hidden, intermediate]),
    outer: of([intermediate, hidden])
  };
}

function floatsOf({
  rawData
}: GraphBuilder['initializers'][number]): Float32Array {
  return new Float32Array(
    rawData!.buffer,
    rawData!.byteOffset,
    rawData!.byteLength / 4
  );
}
