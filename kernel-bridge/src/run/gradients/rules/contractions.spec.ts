import {
  compareGradients,
  type CompareOptions,
  type TestGraph
} from '../../../../test/numerical-gradient';

type Write = (b: TestGraph, n: number) => string | string[];

async function check(write: Write, options?: CompareOptions): Promise<void> {
  const { error } = await compareGradients(write, options);
  expect(error).toBeLessThan(options?.float32 ? 3e-3 : 1e-7);
}

describe('MatMul', () => {
  const shapes: [string, (n: number) => [number[], number[]]][] = [
    [
      'matrices',
      n => [
        [n, 3],
        [3, 4]
      ]
    ],
    [
      'a batch and a matrix',
      n => [
        [2, n, 3],
        [3, 4]
      ]
    ],
    [
      'a matrix and a batch',
      n => [
        [n, 3],
        [2, 3, 4]
      ]
    ],
    [
      'batches',
      n => [
        [2, n, 3],
        [2, 3, 4]
      ]
    ],
    [
      'a batch that is repeated',
      n => [
        [1, n, 3],
        [4, 3, 2]
      ]
    ],
    [
      'batches of batches',
      n => [
        [n, 1, 2, 3],
        [4, 3, 2]
      ]
    ],
    [
      'a batch whose size a run tells',
      n => [
        [n, 2, 3],
        [n, 3, 1]
      ]
    ],
    ['a vector and a matrix', n => [[3], [3, n]]],
    ['a matrix and a vector', n => [[n, 3], [3]]],
    ['a vector and a batch', n => [[3], [n, 3, 2]]],
    ['a batch and a vector', n => [[2, n, 3], [3]]],
    ['vectors', n => [[n], [n]]],
    [
      'no rows',
      () => [
        [0, 3],
        [3, 2]
      ]
    ]
  ];
  it.each(shapes)('of %s', (_, dims) =>
    check((b, n) => {
      const [left, right] = dims(n);
      return b.op('MatMul', [b.variable(left), b.variable(right)]);
    })
  );
});

describe('Gemm', () => {
  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1]
  ])('transposed %d and %d', (transA, transB) =>
    check((b, n) =>
      b.op(
        'Gemm',
        [
          b.variable(transA ? [3, n] : [n, 3]),
          b.variable(transB ? [4, 3] : [3, 4]),
          b.variable([4])
        ],
        { transA, transB, alpha: { float: 0.5 }, beta: { float: 2 } }
      )
    )
  );

  it('without a bias', () =>
    check(b => b.op('Gemm', [b.variable([2, 3]), b.variable([3, 4])])));
});

describe('Einsum', () => {
  it.each([
    ['bij,bjk->bik', [2, 3, 4], [2, 4, 2]],
    ['ij,kj->ikj', [3, 2], [4, 2]],
    ['sec,sm->ecm', [3, 2, 4], [3, 2]]
  ] as [string, number[], number[]][])('%s', (equation, left, right) =>
    check(b =>
      b.op('Einsum', [b.variable(left), b.variable(right)], { equation })
    )
  );

  it('that sums over an index of one operand is refused by name', async () => {
    await expect(
      compareGradients(b =>
        b.op('Einsum', [b.variable([2, 3]), b.variable([2])], {
          equation: 'ij,i->i'
        })
      )
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('ij,i->i')
    });
  });
});

describe('Softmax', () => {
  it.each([
    ['Softmax', -1],
    ['Softmax', 0],
    ['LogSoftmax', -1],
    ['LogSoftmax', 1]
  ])('%s over axis %d', (op, axis) =>
    check((b, n) => b.op(op, [b.variable([n, 4, 2], [-3, 3])], { axis }))
  );
});

describe('reductions', () => {
  const cases: [string, number[], Record<string, number>][] = [
    ['ReduceSum', [1], { keepdims: 1 }],
    ['ReduceSum', [0, -1], { keepdims: 0 }],
    ['ReduceMean', [-1], { keepdims: 1 }],
    ['ReduceMean', [0, 2], { keepdims: 0 }],
    ['ReduceMean', [1], { keepdims: 0 }]
  ];
  it.each(cases)('%s over %j, %j', (op, axes, attributes) =>
    check((b, n) => {
      const y = b.op(op, [b.variable([2, n, 4]), b.ints(axes)], attributes);
      return b.op('Mul', [y, y]);
    })
  );

  it.each(cases)(
    '%s over %j, %j, with axes as an attribute (opset 17)',
    (op, axes, attributes) =>
      check(
        (b, n) => {
          const y =
            op === 'ReduceSum'
              ? b.op(op, [b.variable([2, n, 4]), b.ints(axes)], attributes)
              : b.op(op, [b.variable([2, n, 4])], { ...attributes, axes });
          return b.op('Mul', [y, y]);
        },
        { opset: 17 }
      )
  );

  it.each(['ReduceSum', 'ReduceMean', 'ReduceMax'])('%s over all axes', op =>
    check((b, n) => b.op(op, [b.variable([2, n])]))
  );

  it('ReduceSum over no axes', () =>
    check(b =>
      b.op('ReduceSum', [b.variable([2, 3])], { noop_with_empty_axes: 1 })
    ));

  it.each([
    ['ReduceMax', {}],
    ['ReduceMin', { keepdims: 0 }],
    ['ReduceL2', { keepdims: 0 }],
    ['ReduceLogSumExp', { keepdims: 0 }],
    ['ReduceLogSumExp', {}],
    ['ReduceSumSquare', { keepdims: 0 }],
    ['ReduceL1', { keepdims: 0 }]
  ] as [string, Record<string, number>][])('%s, %j', (op, attributes) =>
    check(
      (b, n) =>
        b.op(op, [b.variable([2, n, 3], [0.5, 2]), b.ints([-1])], attributes),
      { float32: true }
    )
  );

  it.each([
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1]
  ])('CumSum, exclusive %d, reverse %d', (exclusive, reverse) =>
    check(b => {
      const y = b.op('CumSum', [b.variable([2, 4]), b.ints([1], [])], {
        exclusive,
        reverse
      });
      return b.op('Mul', [y, y]);
    })
  );
});

describe('norms', () => {
  it.each([17, 18])('LayerNormalization, opset %d', opset =>
    check(
      (b, n) =>
        b.op(
          'LayerNormalization',
          [b.variable([2, n, 5]), b.variable([5]), b.variable([5])],
          { epsilon: { float: 0.01 } }
        ),
      { opset }
    )
  );

  it('LayerNormalization over two axes', () =>
    check((b, n) =>
      b.op('LayerNormalization', [b.variable([n, 2, 3]), b.variable([2, 3])], {
        axis: 1
      })
    ));

  it('SimplifiedLayerNormalization', () =>
    check((b, n) =>
      b.op(
        'SimplifiedLayerNormalization',
        [b.variable([2, n, 5]), b.variable([5])],
        { epsilon: { float: 0.01 } }
      )
    ));

  it('with used outputs of statistics is refused by name', async () => {
    await expect(
      compareGradients(
        b =>
          b.many(
            'LayerNormalization',
            [b.variable([2, 5]), b.variable([5])],
            2
          )[1],
        { float32: true }
      )
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('LayerNormalization')
    });
  });
});

describe('RotaryEmbedding', () => {
  it.each([0, 1])('interleaved %d', interleaved =>
    check(
      b => {
        const angles = Array.from({ length: 8 }, (_, i) => i / 3);
        const table = (f: (angle: number) => number): string =>
          b.floats(angles.map(f), [4, 2]);
        return b.op(
          'com.microsoft.RotaryEmbedding',
          [
            b.variable([1, 2, 3, 4]),
            b.integers([0, 2, 3], [1, 3]),
            table(Math.cos),
            table(Math.sin)
          ],
          { interleaved }
        );
      },
      { float32: true }
    )
  );
});

it('an operator without a rule is named', async () => {
  await expect(
    compareGradients(b => b.op('Det', [b.variable([2, 2])]), { float32: true })
  ).rejects.toMatchObject({
    code: 'gradient',
    message: expect.stringContaining('Det')
  });
});

describe('Conv', () => {
  const forms: [
    string,
    number[],
    number[],
    Record<string, number | string | number[]>
  ][] = [
    ['one axis', [2, 3, 7], [4, 3, 3], {}],
    [
      'a causal one of each channel',
      [2, 4, 6],
      [4, 1, 3],
      { group: 4, pads: [2, 0] }
    ],
    [
      'two groups, strides and dilations',
      [2, 4, 10],
      [6, 2, 3],
      {
        group: 2,
        strides: [3],
        dilations: [2],
        pads: [1, 2]
      }
    ],
    [
      'two axes whose last entries strides leave out',
      [1, 2, 6, 5],
      [3, 2, 2, 2],
      { strides: [2, 3] }
    ],
    [
      'padding to the same size',
      [1, 2, 5],
      [2, 2, 4],
      { auto_pad: 'SAME_UPPER' }
    ],
    ['no padding', [1, 2, 5], [2, 2, 4], { auto_pad: 'VALID' }]
  ];
  it.each(forms)('of %s', (_, x, w, attributes) =>
    check(
      (b, n) =>
        b.op(
          'Conv',
          [
            b.variable([x[0] * n, ...x.slice(1)]),
            b.variable(w),
            b.variable([w[0]])
          ],
          attributes
        ),
      { float32: true }
    )
  );
});
