/** Assembles the routing of a sequence from the steps in which its tokens were run. */
import type { RoutingLayer } from '../../base/protocol';
import { takeRows } from '../../base/take-rows';

/** Copies the rows of a captured layer that belong to `tokens`, so that the rest can be freed. */
export function takeTokens(
  layer: RoutingLayer,
  tokens: readonly number[]
): RoutingLayer {
  const { experts, topK } = layer;
  return {
    ...layer,
    logits: rowsOf(layer.logits, tokens, experts),
    selected: rowsOf(layer.selected, tokens, topK),
    weights: rowsOf(layer.weights, tokens, topK)
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

/** An encoder's layers are empty after the prompt. */
function rowsOf<T extends Numbers>(
  values: T,
  rows: readonly number[],
  width: number
): T {
  return values.length === 0
    ? (values.slice() as T)
    : takeRows(values, rows, width);
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
