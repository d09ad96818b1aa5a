import {
  compareGradients,
  type TestGraph
} from '../../../../test/numerical-gradient';

/** Pairs of shapes of which one is broadcast to the other. */
const BROADCASTS: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3]
  ],
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 1, 4]
  ],
  [[], [2, 3]],
  [
    [1, 1, 3],
    [2, 4, 3]
  ],
  [
    [2, 0, 3],
    [1, 3]
  ]
];

describe('sums and products', () => {
  for (const op of ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min']) {
    it.each(BROADCASTS)(`${op} of %j and %j`, async (left, right) => {
      for (const dims of [
        [left, right],
        [right, left]
      ]) {
        const { error } = await compareGradients(b =>
          b.op(op, [b.variable(dims[0]), b.variable(dims[1], [0.5, 2])])
        );
        expect(error).toBeLessThan(1e-8);
      }
    });
  }

  it('adds the gradients of a tensor that is read twice', async () => {
    const { error } = await compareGradients(b => {
      const x = b.variable([2, 3]);
      return b.op('Mul', [b.op('Add', [x, x]), x]);
    });
    expect(error).toBeLessThan(1e-8);
  });

  it('Sum of three, and Max of three with equal values', async () => {
    const { error } = await compareGradients(b =>
      b.op('Sum', [b.variable([2, 3]), b.variable([3]), b.variable([2, 1])])
    );
    expect(error).toBeLessThan(1e-8);
  });

  it('writes no sum where nothing was broadcast', async () => {
    const { emitted } = await compareGradients(b =>
      b.op('Mul', [b.variable([2, 3]), b.variable([2, 3])])
    );
    expect([...emitted]).toEqual([['Mul', 2]]);
  });
});

describe('powers', () => {
  it.each([2, 3, 0.5, -1, 1])('x to the %d', async p => {
    const { error } = await compareGradients(
      b => b.op('Pow', [b.variable([2, 3], [0.5, 2]), b.floats([p], [])]),
      {}
    );
    expect(error).toBeLessThan(1e-6);
  });

  it('with a computed exponent', async () => {
    const { error } = await compareGradients(b =>
      b.op('Pow', [b.variable([2, 3], [0.5, 2]), b.variable([3])])
    );
    expect(error).toBeLessThan(1e-8);
  });
});

const anywhere: [number, number] = [-2, 2];
const UNARY: [
  string,
  [number, number],
  boolean,
  Record<string, { float: number } | string>
][] = [
  ['Identity', anywhere, false, {}],
  ['Neg', anywhere, false, {}],
  ['Abs', [0.1, 1], false, {}],
  ['Abs', [-1, -0.1], false, {}],
  ['Exp', anywhere, false, {}],
  ['Log', [0.2, 3], false, {}],
  ['Sqrt', [0.2, 3], false, {}],
  ['Reciprocal', [0.2, 3], false, {}],
  ['Sin', anywhere, false, {}],
  ['Cos', anywhere, true, {}],
  ['Tanh', anywhere, false, {}],
  ['Sigmoid', anywhere, false, {}],
  ['Softplus', anywhere, true, {}],
  ['Erf', anywhere, true, {}],
  ['Relu', [0.1, 1], false, {}],
  ['Relu', [-1, -0.1], false, {}],
  ['LeakyRelu', [-1, -0.1], false, { alpha: { float: 0.2 } }],
  ['LeakyRelu', [0.1, 1], false, {}],
  ['Elu', [-1, -0.1], true, { alpha: { float: 0.7 } }],
  ['HardSigmoid', [-2, 2], true, { alpha: { float: 0.1 } }],
  ['HardSigmoid', [3, 5], true, {}],
  ['com.microsoft.Gelu', anywhere, true, {}],
  ['com.microsoft.QuickGelu', anywhere, true, { alpha: { float: 1.7 } }]
];

describe('elementwise functions', () => {
  it.each(UNARY)('%s over %j', async (op, range, float32, attributes) => {
    const { error } = await compareGradients(
      b => b.op(op, [b.variable([3, 4], range)], attributes),
      { float32 }
    );
    expect(error).toBeLessThan(float32 ? 2e-3 : 1e-7);
  });

  it.each(['none', 'tanh'])('Gelu, approximate: %s', async approximate => {
    const { error } = await compareGradients(
      b => b.op('Gelu', [b.variable([3, 4], anywhere)], { approximate }),
      { float32: true, opset: 20 }
    );
    expect(error).toBeLessThan(2e-3);
  });

  it('Cast to another float type and back', async () => {
    const { error } = await compareGradients(
      b => {
        const wide = b.op('Cast', [b.variable([3, 4])], { to: 11 });
        return b.op('Cast', [b.op('Mul', [wide, wide])], { to: 1 });
      },
      { float32: true }
    );
    expect(error).toBeLessThan(2e-3);
  });
});

describe('choices', () => {
  it('Where, of tensors of different shapes', async () => {
    const { error } = await compareGradients(b =>
      b.op('Where', [b.booleans([2, 3]), b.variable([3]), b.variable([2, 1])])
    );
    expect(error).toBeLessThan(1e-8);
  });

  it('Clip with two bounds, one bound and none', async () => {
    const bounds = (b: TestGraph): string[] => [
      b.values([-0.5], []),
      b.values([0.4], [])
    ];
    for (const pick of [
      (b: TestGraph) => bounds(b),
      (b: TestGraph) => [bounds(b)[0]].slice(0, 1),
      () => []
    ]) {
      const { error } = await compareGradients(b => {
        const x = b.variable([4, 5], [-1, 1]);
        const [low, high] = pick(b);
        b.variables.splice(
          0,
          b.variables.length,
          x,
          ...[low, high].filter(Boolean)
        );
        return b.op('Clip', [
          x,
          ...(low ? [low] : []),
          ...(high ? [high] : [])
        ]);
      });
      expect(error).toBeLessThan(1e-8);
    }
  });

  it('TopK scatters gradients to the indices of its values', async () => {
    for (const axis of [-1, 0]) {
      const { error } = await compareGradients(b => {
        const x = b.variable([4, 5]);
        const [values] = b.many('TopK', [x, b.ints([2])], 2, { axis });
        return b.op('Mul', [values, values]);
      });
      expect(error).toBeLessThan(1e-8);
    }
  });
});
