/** Softmaxes that weight something and are not attention. */
import { block, find, HIDDEN, softmax } from '../../../test/attention-forms';

describe('does not take for attention', () => {
  it('a router whose weights are normalised as they are used, and whose experts are mixed by a product', async () => {
    const { attention, unknown } = await find(
      block((b, q, _, v) => {
        const weights = b.weight([HIDDEN, 5]);
        const router = b.op('Div', [
          weights,
          b.op('Sqrt', [
            b.over('ReduceSum', b.op('Mul', [weights, weights]), [0], {
              keepdims: 1
            })
          ])
        ]);
        const shares = b.over(
          'Unsqueeze',
          softmax(b, b.op('MatMul', [q, router])),
          [2]
        );
        const experts = b.op('Reshape', [
          b.op('MatMul', [v, b.weight([HIDDEN, 5 * HIDDEN])]),
          b.ints([0, 0, 5, HIDDEN])
        ]);
        return b.over('Squeeze', b.op('MatMul', [shares, experts]), [2]);
      })
    );
    expect({ attention, unknown }).toEqual({ attention: [], unknown: [] });
  });

  it('a choice among experts by products of two activations', async () => {
    const { attention, unknown } = await find(
      block((b, q, k, v) => {
        // Each token queries five vectors that are computed from it.
        const asked = b.op('Reshape', [
          b.op('MatMul', [k, b.weight([HIDDEN, 5 * HIDDEN])]),
          b.ints([0, 0, HIDDEN, 5])
        ]);
        const shares = softmax(
          b,
          b.op('MatMul', [b.over('Unsqueeze', q, [2]), asked])
        );
        const experts = b.op('Reshape', [
          b.op('MatMul', [v, b.weight([HIDDEN, 5 * HIDDEN])]),
          b.ints([0, 0, 5, HIDDEN])
        ]);
        return b.over('Squeeze', b.op('MatMul', [shares, experts]), [2]);
      })
    );
    expect({ attention, unknown }).toEqual({ attention: [], unknown: [] });
  });
});
