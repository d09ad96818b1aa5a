/** Targets: nodes that compute the scalar to differentiate, one a sequence, from a tensor of the graph. */
import type { TensorValue } from '../engine/messages';
import { NodeWriter } from '../../onnx/graph/node-writer';
import {
  ELEMENT,
  type GraphProto,
  type ValueInfoProto
} from '../../onnx/file/schema';
import { floatInput, inputOf } from './embeddings';
import { GRADIENT_PREFIX } from './tape';
import type { TensorFacts } from './tensor-facts';

/**
 * `entry`: a score of a token, such as a logit or a router logit. `difference`: a score minus another one.
 * `log-probability`: the log-softmax of a score. `kl`: the Kullback-Leibler divergence of the softmax from a reference,
 * sum p_ref (log p_ref - log p), in nats. `sum`: the weighted sum of all entries.
 */
export type TargetKind =
  'entry' | 'difference' | 'log-probability' | 'kl' | 'sum';

/** A graph with a target. Position, index and reference are inputs, so that one session serves them all. */
export interface WrittenTarget {
  graph: GraphProto;
  /** The target, [batch]; [1] for kind 'sum'. */
  value: string;
  /** Gradients that the backward pass starts from, by tensor. */
  seeds: ReadonlyMap<string, string>;
}

/** Names of the inputs that a target adds. */
export const TARGET_INPUT = {
  /** int64 scalar */
  position: `${GRADIENT_PREFIX}position`,
  /** int64 scalar */
  index: `${GRADIENT_PREFIX}index`,
  /** int64 scalar: index of the score to subtract */
  against: `${GRADIENT_PREFIX}against`,
  /** float32 [1 or batch, entries]: log-probabilities of the reference */
  reference: `${GRADIENT_PREFIX}reference`,
  /** float, of the tensor's shape */
  weights: `${GRADIENT_PREFIX}weights`
} as const;

/**
 * @param tensor [batch, tokens, entries], or [batch * tokens, entries]; for kind 'sum' of any shape
 * @param ids the input of token ids, [batch, tokens]
 */
export function writeTarget(
  graph: GraphProto,
  facts: TensorFacts,
  kind: TargetKind,
  tensor: string,
  ids: string
): WrittenTarget {
  const writer = new NodeWriter(`${GRADIENT_PREFIX}target/`);
  const type = facts.type(tensor);
  const probes = facts.shape(tensor).map((dims, probe) => {
    const [batch, tokens] = facts.shape(ids)[probe];
    return {
      batch,
      tokens,
      entries: dims.reduce((n, size) => n * size, 1) / (batch * tokens)
    };
  });
  const inputs: ValueInfoProto[] = [];
  const finish = (
    value: string,
    seeds: WrittenTarget['seeds']
  ): WrittenTarget => ({
    graph: {
      ...graph,
      node: [...graph.node, ...writer.nodes],
      initializer: [...graph.initializer, ...writer.initializers],
      input: [...graph.input, ...inputs]
    },
    value,
    seeds
  });
  if (kind === 'sum') {
    const weights = TARGET_INPUT.weights;
    const shape = facts.shape(tensor);
    inputs.push(
      inputOf(
        weights,
        type,
        shape[0].map((_, axis) => `${weights}_${axis}`)
      )
    );
    facts.declare(weights, shape, type);
    const value = writer.op('ReduceSum', [
      writer.op('Reshape', [
        writer.op('Mul', [tensor, weights]),
        writer.ints([-1])
      ])
    ]);
    return finish(value, new Map([[tensor, weights]]));
  }
  inputs.push(inputOf(TARGET_INPUT.position, ELEMENT.int64, []));
  facts.declare(
    TARGET_INPUT.position,
    probes.map(() => []),
    ELEMENT.int64
  );
  let rows = tensor;
  if (facts.rank(tensor) !== 3) {
    rows = writer.op('Reshape', [
      tensor,
      writer.op('Concat', [writer.op('Shape', [ids]), writer.ints([-1])], {
        axis: 0
      })
    ]);
    facts.declare(
      rows,
      probes.map(({ batch, tokens, entries }) => [batch, tokens, entries]),
      type
    );
  }
  /** Declares the shape of a new tensor, [batch, entries] (`whole`) or [batch], and returns its name. */
  const declared = (name: string, whole: boolean): string => {
    facts.declare(
      name,
      probes.map(({ batch, entries }) => (whole ? [batch, entries] : [batch])),
      type
    );
    return name;
  };
  let row = declared(
    writer.op('Gather', [rows, TARGET_INPUT.position], { axis: 1 }),
    true
  );
  if (kind !== 'entry' && kind !== 'difference') {
    row = declared(writer.op('LogSoftmax', [row], { axis: -1 }), true);
  }
  let value: string;
  if (kind === 'kl') {
    const { reference } = TARGET_INPUT;
    inputs.push(
      floatInput(reference, [`${reference}_rows`, `${reference}_entries`])
    );
    const like =
      type === ELEMENT.float
        ? reference
        : writer.op('Cast', [reference], { to: type });
    for (const name of [reference, like]) {
      facts.declare(
        name,
        probes.map(({ entries }) => [1, entries]),
        name === reference ? ELEMENT.float : type
      );
    }
    const ratio = declared(writer.op('Sub', [like, row]), true);
    const weighted = declared(
      writer.op('Mul', [ratio, writer.op('Exp', [like])]),
      true
    );
    value = declared(
      writer.op('ReduceSum', [weighted, writer.ints([-1])], { keepdims: 0 }),
      false
    );
  } else {
    const scoreAt = (index: string): string => {
      inputs.push(inputOf(index, ELEMENT.int64, []));
      facts.declare(
        index,
        probes.map(() => []),
        ELEMENT.int64
      );
      return declared(writer.op('Gather', [row, index], { axis: 1 }), false);
    };
    value = scoreAt(TARGET_INPUT.index);
    if (kind === 'difference') {
      value = declared(
        writer.op('Sub', [value, scoreAt(TARGET_INPUT.against)]),
        false
      );
    }
  }
  const one = writer.floats([1]);
  const ones = writer.op('Expand', [
    type === ELEMENT.float ? one : writer.op('Cast', [one], { to: type }),
    writer.op('Shape', [value])
  ]);
  return finish(value, new Map([[value, ones]]));
}

/** An int64 scalar, for inputs such as `position` and `index`. */
export function integer(value: number): TensorValue {
  return { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(value)) };
}
