/** Assembles the routing of a sequence from the steps in which its tokens were run. */
import type { RoutingLayer } from '../../base/protocol';

/** Copies the rows of a captured layer that belong to `tokens`, so that the rest can be freed. */
export function takeTokens(
  layer: RoutingLayer,
  tokens: readonly number[]
): RoutingLayer {
  const { experts, topK } = layer;
  return {
    ...layer,
    logits: takeRows(layer.logits, tokens, experts, Float32Array),
    selected: takeRows(layer.selected, tokens, topK, Int32Array),
    weights: takeRows(layer.weights, tokens, topK, Float32Array)
  };
}

/** Concatenates layers: the same routers, more tokens. Parts without tokens may be omitted. */
export function concatenate(
  parts: readonly (readonly RoutingLayer[])[]
): RoutingLayer[] {
  return parts[0].map((first, i) => {
    const all = parts.flatMap(layers => layers[i] ?? []);
    return {
      ...first,
      logits: join(
        all.map(({ logits }) => logits),
        Float32Array
      ),
      selected: join(
        all.map(({ selected }) => selected),
        Int32Array
      ),
      weights: join(
        all.map(({ weights }) => weights),
        Float32Array
      )
    };
  });
}

interface NumbersConstructor<T> {
  new (length: number): T;
}
type Numbers = Float32Array | Int32Array;

function takeRows<T extends Numbers>(
  values: T,
  rows: readonly number[],
  width: number,
  ArrayType: NumbersConstructor<T>
): T {
  if (values.length === 0) {
    return new ArrayType(0);
  }
  const taken = new ArrayType(rows.length * width);
  rows.forEach((row, i) =>
    taken.set(values.subarray(row * width, (row + 1) * width), i * width)
  );
  return taken;
}

function join<T extends Numbers>(
  parts: readonly T[],
  ArrayType: NumbersConstructor<T>
): T {
  const whole = new ArrayType(
    parts.reduce((sum, { length }) => sum + length, 0)
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
