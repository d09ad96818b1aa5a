/** Softmaxes that mix something, and are no attention. */
import { block, find, HIDDEN, softmax } from '../../../test/attention-forms';

describe('no attention', () => {
  it('is a router whose weights are normalised as they are used, and whose experts are mixed by a product', async () => {
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

  it('is a choice among experts by products of two activations', async () => {
    const { attention, unknown } = await find(
      block((b, q, k, v) => {
        // Each token asks five vectors that are made of it.
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
