/** Estimates the memory of a run with gradients from the shapes in the probe runs. */
import { MoEDebuggerError } from '../../base/errors';
import { ELEMENT, ELEMENT_BITS, type GraphProto } from '../../onnx/file/schema';
import { GRADIENT_PREFIX } from './tape';
import type { TensorFacts } from './tensor-facts';

export interface RunSize {
  batch: number;
  tokens: number;
}

/**
 * Estimated bytes of activations: all tensors that the backward pass reads from the forward pass, and a few times the
 * largest tensor for short-lived ones. Excludes tensors that are computed from weights only, which onnxruntime folds
 * into constants at load.
 *
 * @param graph with its nodes in topological order
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

/** Short-lived tensors at the peak, in multiples of the largest tensor. */
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
      estimatedSize(
        shape.map(dims => dims[axis]),
        probes,
        size
      ),
    1
  );
  const bits = ELEMENT_BITS[facts.type(tensor)] ?? ELEMENT_BITS[ELEMENT.float];
  return (elements * bits) / 8;
}

/** The size of an axis in a run: fixed, or proportional to batch, tokens or both, as it was in the probe runs. */
function estimatedSize(
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
