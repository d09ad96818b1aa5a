/** Parts of graphs that are made by hand. */
import type { GraphBuilder } from './graph-builder';

export function matrix(
  b: GraphBuilder,
  rows: number,
  columns: number,
  value: (row: number, column: number) => number
): string {
  return b.floats(
    Array.from({ length: rows * columns }, (_, i) =>
      value(Math.floor(i / columns), i % columns)
    ),
    [rows, columns]
  );
}

/** Attention that adds nothing: tokens do not see one another. */
export function attentionOfNothing(
  b: GraphBuilder,
  x: string,
  hidden: number
): string {
  const scores = b.op('MatMul', [
    x,
    b.op('Transpose', [x], { perm: [0, 2, 1] })
  ]);
  return b.op('MatMul', [
    b.op('MatMul', [b.op('Softmax', [scores], { axis: -1 }), x]),
    matrix(b, hidden, hidden, () => 0)
  ]);
}
