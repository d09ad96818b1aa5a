import {
  compareGradients,
  type CompareOptions,
  type TestGraph
} from '../../../../test/numerical-gradient';

type Write = (b: TestGraph, n: number) => string | string[];

/** Squares the result, so that its gradient differs from entry to entry. */
const square = (b: TestGraph, x: string): string => b.op('Mul', [x, x]);

async function check(write: Write, options?: CompareOptions): Promise<void> {
  const { error } = await compareGradients(
    (b, n) => [write(b, n)].flat().map(result => square(b, result)),
    options
  );
  expect(error).toBeLessThan(options?.float32 ? 3e-3 : 1e-8);
}

describe('operators that rearrange values', () => {
  const cases: Record<string, Write> = {
    Reshape: (b, n) =>
      b.op('Reshape', [b.variable([n, 4, 2]), b.ints([0, -1])]),
    Flatten: (b, n) => b.op('Flatten', [b.variable([2, n, 4])], { axis: 2 }),
    'Squeeze and Unsqueeze': (b, n) =>
      b.over('Unsqueeze', b.over('Squeeze', b.variable([n, 1, 4]), [1]), [0]),
    Transpose: (b, n) =>
      b.op('Transpose', [b.variable([n, 4, 2])], { perm: [1, 2, 0] }),
    'Transpose without perm': (b, n) =>
      b.op('Transpose', [b.variable([n, 4, 2])]),
    'Expand of a fixed axis': (b, n) =>
      b.op('Expand', [b.variable([4, 1]), b.integers([2, 4, n])]),
    'Expand to a dynamic size': (b, n) =>
      b.op('Expand', [b.variable([n, 1, 2]), b.integers([1, 4, 2])]),
    'Trilu, lower, off the diagonal': (b, n) =>
      b.op('Trilu', [b.variable([2, 4, n]), b.integers([-1], [])], {
        upper: 0
      }),
    'Trilu, upper': (b, n) => b.op('Trilu', [b.variable([n, 3])]),
    'Pad with a negative size': (b, n) =>
      b.op('Pad', [b.variable([n, 4]), b.integers([1, 0, 2, -1])]),
    'Pad of one axis': (b, n) =>
      b.op('Pad', [
        b.variable([2, n, 3]),
        b.integers([2, 1]),
        '',
        b.integers([-1])
      ]),
    Tile: (b, n) => b.op('Tile', [b.variable([n, 2]), b.integers([2, 3])]),
    Concat: (b, n) =>
      b.op(
        'Concat',
        [b.variable([2, n]), b.variable([2, 1]), b.fixed([2, n])],
        {
          axis: -1
        }
      ),
    'Concat of fixed sizes': b =>
      b.op('Concat', [b.variable([2, 3]), b.variable([1, 3])], { axis: 0 }),
    'Concat of one': b => b.op('Concat', [b.variable([2, 3])], { axis: 0 }),
    Split: (b, n) =>
      b.many('Split', [b.variable([n, 5]), b.ints([2, 3])], 2, { axis: 1 }),
    'Split with one unused output': (b, n) =>
      b.many('Split', [b.variable([n, 5]), b.ints([2, 3])], 2, { axis: -1 })[1]
  };
  it.each(Object.keys(cases))('%s', name => check(cases[name]));
});

describe('Slice', () => {
  const slice = (
    starts: number[],
    ends: number[],
    axes?: number[],
    steps?: number[]
  ): Write => {
    return (b, n) =>
      b.op('Slice', [
        b.variable([5, n + 2, 4]),
        b.ints(starts),
        b.ints(ends),
        ...(axes ? [b.ints(axes)] : []),
        ...(steps ? [b.ints(steps)] : [])
      ]);
  };
  const cases: Record<string, Write> = {
    'of one axis': slice([1], [3], [2]),
    'of an axis of dynamic size': slice([1], [1 << 30], [1]),
    'from the end': slice([-2], [1 << 30], [-2]),
    'out of range': slice([-99], [2], [0]),
    'of several axes': slice([1, 0, 1], [4, 2, 3]),
    'with a step': slice([0], [5], [0], [2]),
    backwards: slice([-1], [-99], [1], [-1]),
    'with steps on two axes': slice([0, 3], [9, 0], [0, 2], [2, -2]),
    'with and without a step': slice([1, 0], [3, 9], [0, 2], [1, 3]),
    'of nothing': slice([2], [2], [0]),
    'with computed bounds': (b, n) =>
      b.op('Slice', [
        b.variable([4, n]),
        b.integers([1]),
        b.integers([n]),
        b.ints([1])
      ])
  };
  it.each(Object.keys(cases))('%s', name => check(cases[name]));

  it('with computed axes is refused by name', async () => {
    await expect(
      compareGradients(b =>
        b.op('Slice', [
          b.variable([4, 3]),
          b.ints([1]),
          b.ints([2]),
          b.integers([1])
        ])
      )
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('Slice')
    });
  });
});

describe('gathers and scatters', () => {
  /** Rows at indices that a run computes, times one row. The probe runs do not show that there may be several. */
  const found = (b: TestGraph, chosen: number[]): string[] => {
    const x = b.variable([3, 3]);
    const where = b.op('NonZero', [b.integers(chosen)]);
    const rows = b.op('Gather', [x, b.op('Squeeze', [where, b.ints([0])])]);
    return [
      b.op('Mul', [rows, b.variable([1, 3])]),
      b.op('MatMul', [
        b.op('Unsqueeze', [rows, b.ints([1])]),
        b.variable([1, 3, 2])
      ])
    ];
  };
  const cases: Record<string, Write> = {
    'Gather of rows, some twice': (b, n) =>
      b.op('Gather', [b.variable([n + 1, 4]), b.integers([0, 2, 0, -1])]),
    'Gather of rows of matrices by a matrix of indices': b =>
      b.op('Gather', [b.variable([3, 2, 2]), b.integers([0, 2, 0, 1], [2, 2])]),
    'Gather of one row': b =>
      b.op('Gather', [b.variable([3, 4]), b.integers([2], [])]),
    'Gather on a later axis': (b, n) =>
      b.op('Gather', [b.variable([n, 4, 2]), b.integers([1, 1, -1])], {
        axis: 1
      }),
    'Gather of one column': (b, n) =>
      b.op('Gather', [b.variable([2, n, 4]), b.integers([3], [])], {
        axis: -1
      }),
    'Gather of a matrix of columns': (b, n) =>
      b.op(
        'Gather',
        [b.variable([n, 4]), b.integers([0, 1, 0, 3, 3, 3], [2, 3])],
        { axis: 1 }
      ),
    'Gather of no rows': b =>
      b.op('Gather', [b.variable([3, 4]), b.integers([])]),
    'Gather from too many rows for a one-hot product': b =>
      b.op('Gather', [b.variable([1100, 1]), b.integers([7, 1099, 7])]),
    GatherElements: (b, n) =>
      b.op(
        'GatherElements',
        [b.variable([n + 1, 2]), b.integers([0, 0, 2, 0], [2, 2])],
        { axis: 0 }
      ),
    'GatherND of rows': (b, n) =>
      b.op('GatherND', [
        b.variable([n + 1, 2, 2]),
        b.integers([0, 2, 0], [3, 1])
      ]),
    'GatherND of entries': (b, n) =>
      b.op('GatherND', [
        b.variable([n + 1, 2]),
        b.integers([0, 1, 2, -1, 0, 1], [3, 2])
      ]),
    'GatherND of vectors': (b, n) =>
      b.op('GatherND', [
        b.variable([n + 1, 2, 3]),
        b.integers([0, 1, 2, 0, 0, 1], [3, 2])
      ]),
    ScatterElements: (b, n) =>
      b.op(
        'ScatterElements',
        [
          b.variable([n, 2]),
          b.integers([1, 0, 0, 1], [2, 2]),
          b.variable([2, 2])
        ],
        { axis: 0 }
      ),
    'ScatterElements with reduction add': (b, n) =>
      b.op(
        'ScatterElements',
        [
          b.variable([n, 2]),
          b.integers([1, 0, 1, 1], [2, 2]),
          b.variable([2, 2])
        ],
        { axis: 0, reduction: 'add' }
      ),
    ScatterND: (b, n) =>
      b.op('ScatterND', [
        b.variable([n, 2]),
        b.integers([1, 0], [2, 1]),
        b.variable([2, 2])
      ]),
    'ScatterND with reduction add': (b, n) =>
      b.op(
        'ScatterND',
        [b.variable([n, 2]), b.integers([1, 0], [2, 1]), b.variable([2, 2])],
        { reduction: 'add' }
      ),
    'rows chosen by their values': b => {
      const x = b.variable([5, 3]);
      const found = b.op('NonZero', [
        b.op('Greater', [
          b.op('ReduceSum', [x, b.ints([1])], { keepdims: 0 }),
          b.fixed([])
        ])
      ]);
      const rows = b.op('Gather', [x, b.op('Squeeze', [found, b.ints([0])])]);
      return b.op('Mul', [rows, b.variable([1, 3])]);
    },
    'dynamic rows, one by chance in all probe runs': b => found(b, [0, 1, 0]),
    'dynamic rows, none in all probe runs': b => found(b, [0, 0, 0])
  };
  it.each(Object.keys(cases))('%s', name => check(cases[name]));

  it('ScatterElements with reduction mul is refused by name', async () => {
    await expect(
      compareGradients(b =>
        b.op(
          'ScatterElements',
          [b.variable([2]), b.integers([0]), b.variable([1])],
          { reduction: 'mul' }
        )
      )
    ).rejects.toMatchObject({
      code: 'gradient',
      message: expect.stringContaining('ScatterElements')
    });
  });
});
