/** How much memory a run with gradients takes, foretold from the shapes that the probes saw. */
import { MoEDebuggerError } from '../../base/errors';
import { ELEMENT, ELEMENT_BITS, type GraphProto } from '../../onnx/file/schema';
import { GRADIENT_PREFIX } from './tape';
import type { TensorFacts } from './tensor-facts';

export interface RunSize {
  batch: number;
  tokens: number;
}

/**
 * Bytes of activations: what the forward pass makes and the backward pass reads lives from one to the other; of what
 * lives shortly, the largest tensor is counted a few times. What follows from weights alone is none: onnxruntime computes
 * it when it loads the graph.
 *
 * @param graph with its nodes in the order in which they compute
 */
export function activationBytes(
  { node: nodes, input: inputs }: GraphProto,
  facts: TensorFacts,
  probes: readonly RunSize[],
  size: RunSize
): number {
  const backward = new Set(
    nodes
      .filter(({ name = '' }) => name.startsWith(`${GRADIENT_PREFIX}node/`))
      .flatMap(({ input }) => input)
  );
  const fed = new Set(inputs.map(({ name = '' }) => name));
  for (const { input, output } of nodes) {
    if (input.some(tensor => fed.has(tensor))) {
      output.forEach(tensor => fed.add(tensor));
    }
  }
  let held = 0;
  let largest = 0;
  for (const tensor of new Set(nodes.flatMap(({ output }) => output))) {
    if (!facts.has(tensor) || !fed.has(tensor)) {
      continue;
    }
    const bytes = tensorBytes(facts, tensor, probes, size);
    largest = Math.max(largest, bytes);
    held += backward.has(tensor) ? bytes : 0;
  }
  return held + SHORT_LIVED * largest;
}

/** @throws MoEDebuggerError 'gradient' for a run above the limit */
export function checkMemory(
  bytes: number,
  limit: number,
  { batch, tokens }: RunSize
): void {
  if (bytes > limit) {
    throw new MoEDebuggerError(
      'gradient',
      `gradients of ${batch === 1 ? '' : `${batch} x `}${tokens} tokens take about ${megabytes(bytes)} MB, and the limit is ${megabytes(limit)} MB`,
      { hint: 'give a shorter prompt, or a higher memoryLimit' }
    );
  }
}

export function megabytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

/** Gradients on their way and the tensors that they are made of, at the widest place. */
const SHORT_LIVED = 4;

function tensorBytes(
  facts: TensorFacts,
  tensor: string,
  probes: readonly RunSize[],
  size: RunSize
): number {
  const shape = facts.shape(tensor);
  const elements = shape[0].reduce(
    (product, _, axis) =>
      product *
      foretold(
        shape.map(dims => dims[axis]),
        probes,
        size
      ),
    1
  );
  const bits = ELEMENT_BITS[facts.type(tensor)] ?? ELEMENT_BITS[ELEMENT.float];
  return (elements * bits) / 8;
}

/** The size of an axis in a run: fixed, or in proportion to what it grew with between the probes. */
function foretold(
  sizes: readonly number[],
  probes: readonly RunSize[],
  { batch, tokens }: RunSize
): number {
  const laws: [(probe: RunSize) => number, number][] = [
    [() => 1, 1],
    [probe => probe.batch, batch],
    [probe => probe.tokens, tokens],
    [probe => probe.batch * probe.tokens, batch * tokens]
  ];
  for (const [law, now] of laws) {
    const [factor, ...others] = sizes.map((n, i) => n / law(probes[i]));
    if (others.every(other => other === factor)) {
      return factor * now;
    }
  }
  return Math.max(
    ...sizes.map(
      (n, i) => (n / (probes[i].batch * probes[i].tokens)) * batch * tokens
    )
  );
}
