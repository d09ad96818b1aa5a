import { gradientsOf } from '../../../test/gradient-truth';
import {
  compareGradients,
  type TestGraph
} from '../../../test/numerical-gradient';
import { tinyMoE } from '../../../test/tiny-moe';

/** A router and its experts in float64: softmax, top-2, renormalised; each expert is a matrix product. */
function mixture(b: TestGraph, tokens: number): string {
  const [width, experts] = [4, 5];
  const x = b.variable([tokens, width]);
  const logits = b.op('MatMul', [x, b.variable([width, experts], [-2, 2])]);
  const [values, chosen] = b.many(
    'TopK',
    [b.op('Softmax', [logits], { axis: -1 }), b.ints([2])],
    2
  );
  const weights = b.op('Div', [
    values,
    b.op('ReduceSum', [values, b.ints([-1])], { keepdims: 1 })
  ]);
  const outputs = b.op('MatMul', [
    b.op('Gather', [b.variable([experts, 3, width]), chosen]),
    b.op('Unsqueeze', [x, b.ints([1, 3])])
  ]);
  const weighted = b.op('Mul', [
    b.op('Squeeze', [outputs, b.ints([3])]),
    b.op('Unsqueeze', [weights, b.ints([2])])
  ]);
  return b.op('ReduceSum', [weighted, b.ints([1])], { keepdims: 0 });
}

describe('a mixture of experts', () => {
  it.each([1, 2, 3])(
    'is differentiated through its choice, seed %d',
    async seed => {
      const { error } = await compareGradients(mixture, { seed });
      expect(error).toBeLessThan(1e-7);
    }
  );
});

describe('errors of differentiation', () => {
  it('name a tensor that the graph does not have', async () => {
    const gradients = gradientsOf(tinyMoE().save());
    await expect(
      gradients.session({ kind: 'entry', tensor: 'no_such_tensor' })
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('no_such_tensor')
    });
    await expect(
      gradients.session({ kind: 'entry', tensor: 'logits', by: ['nowhere'] })
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('nowhere')
    });
    await gradients.release();
  });

  it('refuse gradients with respect to token ids', async () => {
    const gradients = gradientsOf(tinyMoE().save());
    await expect(
      gradients.session({ kind: 'entry', tensor: 'logits', by: ['input_ids'] })
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('integers')
    });
    await gradients.release();
  });

  it('name the node and its layer', async () => {
    const b = tinyMoE({
      layers: 3,
      router: (g, x, { hidden, experts, topK }) => {
        const scores = g.op('MatMul', [x, g.weight([hidden, experts])]);
        const [values, selected] = g.many('TopK', [scores, g.ints([topK])], 2);
        return { selected, weights: g.op('ThresholdedRelu', [values]) };
      }
    });
    const gradients = gradientsOf(b.save());
    await expect(
      gradients.session({ kind: 'entry', tensor: 'logits' })
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringMatching(/ThresholdedRelu.*layer 2/)
    });
    await gradients.release();
  });

  it('refuse an opset that is too old', async () => {
    const gradients = gradientsOf(tinyMoE({ opset: 12 }).save());
    await expect(
      gradients.session({ kind: 'entry', tensor: 'logits' })
    ).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringContaining('opset 12')
    });
  });
});

describe('a target', () => {
  const ids = [3, 1, 4, 1, 5];

  it('has the same value and gradients at any opset', async () => {
    const results: number[][] = [];
    for (const opset of [13, 15, 18, 20]) {
      const gradients = gradientsOf(tinyMoE({ opset, seed: 5 }).save());
      const session = await gradients.session({
        kind: 'entry',
        tensor: 'logits'
      });
      const { values, gradients: found } = await session.run(
        { sequence: { ids }, position: 4, index: 7 },
        { gradients: ['embeddings'] }
      );
      results.push([
        values[0],
        ...(found.get('embeddings')!.data as Float32Array)
      ]);
      await gradients.release();
    }
    for (const result of results.slice(1)) {
      result.forEach((x, i) => expect(x).toBeCloseTo(results[0][i], 5));
    }
  });

  it('of kind log-probability or kl has gradients that follow from those of the logits', async () => {
    const gradients = gradientsOf(tinyMoE({ seed: 3 }).save());
    const at = { sequence: { ids }, position: 2 };
    const entry = await gradients.session({ kind: 'entry', tensor: 'logits' });
    const vocabulary = 50;
    const rows: { value: number; gradient: Float32Array }[] = [];
    for (let index = 0; index < vocabulary; index++) {
      const run = await entry.run(
        { ...at, index },
        { gradients: ['embeddings'] }
      );
      rows.push({
        value: run.values[0],
        gradient: run.gradients.get('embeddings')!.data as Float32Array
      });
    }
    const peak = Math.max(...rows.map(({ value }) => value));
    const norm =
      peak +
      Math.log(
        rows.reduce((sum, { value }) => sum + Math.exp(value - peak), 0)
      );
    const p = rows.map(({ value }) => Math.exp(value - norm));
    /** sum over the vocabulary of weight times gradient */
    const mixed = (weights: number[]): number[] =>
      Array.from(rows[0].gradient, (_, i) =>
        rows.reduce((sum, { gradient }, v) => sum + weights[v] * gradient[i], 0)
      );

    const logProbability = await gradients.session({
      kind: 'log-probability',
      tensor: 'logits'
    });
    const log = await logProbability.run(
      { ...at, index: 11 },
      { gradients: ['embeddings'] }
    );
    expect(log.values[0]).toBeCloseTo(rows[11].value - norm, 4);
    const expected = mixed(p.map((q, v) => (v === 11 ? 1 : 0) - q));
    const found = log.gradients.get('embeddings')!.data as Float32Array;
    expected.forEach((x, i) => expect(found[i]).toBeCloseTo(x, 3));

    const reference = Float32Array.from(p, (_, v) => v / 1225);
    reference[0] = 1e-6;
    const kl = await gradients.session({ kind: 'kl', tensor: 'logits' });
    const divergence = await kl.run(
      { ...at, reference: reference.map(Math.log) },
      { gradients: ['embeddings'] }
    );
    expect(divergence.values[0]).toBeCloseTo(
      reference.reduce((sum, q, v) => sum + q * Math.log(q / p[v]), 0),
      3
    );
    const slopes = mixed(p.map((q, v) => q - reference[v]));
    const gradient = divergence.gradients.get('embeddings')!
      .data as Float32Array;
    slopes.forEach((x, i) => expect(gradient[i]).toBeCloseTo(x, 3));
    await gradients.release();
  });

  it('of kind sum has the weighted sum of the gradients of the entries', async () => {
    const gradients = gradientsOf(tinyMoE({ seed: 3 }).save());
    const weights = Float32Array.from({ length: 250 }, (_, i) =>
      i === 57 ? 2 : i === 211 ? -1 : 0
    );
    const sum = await gradients.session({ kind: 'sum', tensor: 'logits' });
    const whole = await sum.run(
      {
        sequence: { ids },
        weights: { type: 'float32', dims: [1, 5, 50], data: weights }
      },
      { gradients: ['embeddings'] }
    );
    const entry = await gradients.session({ kind: 'entry', tensor: 'logits' });
    const [a, b] = await Promise.all(
      [
        [1, 7],
        [4, 11]
      ].map(([position, index]) =>
        entry.run(
          { sequence: { ids }, position, index },
          { gradients: ['embeddings'] }
        )
      )
    );
    expect(whole.values[0]).toBeCloseTo(2 * a.values[0] - b.values[0], 4);
    const [ga, gb] = [a, b].map(
      run => run.gradients.get('embeddings')!.data as Float32Array
    );
    (whole.gradients.get('embeddings')!.data as Float32Array).forEach((x, i) =>
      expect(x).toBeCloseTo(2 * ga[i] - gb[i], 4)
    );
    await gradients.release();
  });
});
