/** Forms in which exporters and people write attention, and what only looks like it. */
import { gradientsOf } from '../../test/gradient-truth';
import { GraphBuilder } from '../../test/graph-builder';
import { Engine } from '../engine/engine';
import { ModelInputs, wholeSequence } from '../model/inputs';
import { Graph } from '../graph/graph';
import { readConfig } from '../model/config';
import { readModel } from '../onnx/model';
import { encodeModelProto } from '../onnx/schema';
import type { Attention, FoundAttention } from './attention';
import { inOrder } from './axes';
import { attentionOf } from './model-attention';

const HIDDEN = 12;
const HEADS = 3;
const WIDTH = 4;
const VOCABULARY = 16;
const IDS = [3, 1, 4, 1, 5, 9];

/** Queries, keys and values, each [batch, tokens, hidden], become what the heads hand on, of the same shape. */
type Mix = (b: GraphBuilder, q: string, k: string, v: string) => string;

/** One block: tokens are looked up, mixed, projected and added; the sum is unembedded. */
function block(mix: Mix, batch: number | string = 'batch'): string {
  const b = new GraphBuilder({ seed: 5 });
  const ids = b.input('input_ids', 'int64', [batch, 'tokens']);
  const x = b.op('Gather', [b.weight([VOCABULARY, HIDDEN]), ids]);
  const [q, k, v] = [0, 1, 2].map(() =>
    b.op('MatMul', [x, b.weight([HIDDEN, HIDDEN])])
  );
  const stream = b.op('Add', [
    x,
    b.op('MatMul', [mix(b, q, k, v), b.weight([HIDDEN, HIDDEN])])
  ]);
  const logits = b.op('MatMul', [stream, b.weight([HIDDEN, VOCABULARY])]);
  b.nodes.push({
    opType: 'Identity',
    input: [logits],
    output: ['logits'],
    attribute: []
  });
  b.output('logits');
  return b.save();
}

async function find(folder: string): Promise<FoundAttention> {
  const gradients = gradientsOf(folder);
  const found = attentionOf(await gradients.prepare());
  await gradients.release();
  return found;
}

/** Probabilities as onnxruntime computes them, [heads, queries, keys]. */
async function probabilities(
  folder: string,
  { probabilities: tensor }: Attention
): Promise<Float32Array> {
  const { proto, file, weightsFolder } = readModel(folder);
  const session = await Engine.shared().createSession({
    bytes: encodeModelProto({
      ...proto,
      graph: { ...proto.graph, output: [{ name: tensor.tensor }] }
    }),
    folder: weightsFolder
  });
  const inputs = new ModelInputs(
    new Graph(proto.graph, file),
    readConfig(folder)
  );
  const { outputs } = await session.run(
    inputs.feeds(wholeSequence({ ids: IDS })),
    [tensor.tensor]
  );
  await session.release();
  return inOrder(outputs[tensor.tensor], tensor);
}

function apart(b: GraphBuilder, tensor: string, heads = HEADS): string {
  return b.op('Reshape', [tensor, b.ints([0, 0, heads, WIDTH])]);
}

function headsFirst(b: GraphBuilder, tensor: string): string {
  return b.op('Transpose', [apart(b, tensor)], { perm: [0, 2, 1, 3] });
}

function turned(b: GraphBuilder, tensor: string): string {
  return b.op('Transpose', [tensor], { perm: [0, 1, 3, 2] });
}

function together(b: GraphBuilder, mixed: string): string {
  return b.op('Reshape', [
    b.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    b.ints([0, 0, HIDDEN])
  ]);
}

function softmax(b: GraphBuilder, scores: string): string {
  return b.op('Softmax', [scores], { axis: -1 });
}

const plain: Mix = (b, q, k, v) =>
  together(
    b,
    b.op('MatMul', [
      softmax(
        b,
        b.op('MatMul', [headsFirst(b, q), turned(b, headsFirst(b, k))])
      ),
      headsFirst(b, v)
    ])
  );

/** Heads lie behind one another in the batch, as `torch.bmm` wants it. */
const folded: Mix = (b, q, k, v) => {
  const [a, c, d] = [q, k, v].map(tensor =>
    b.op('Reshape', [
      headsFirst(b, tensor),
      b.op(
        'Concat',
        [
          b.ints([-1]),
          b.op('Shape', [tensor], { start: 1, end: 2 }),
          b.ints([WIDTH])
        ],
        { axis: 0 }
      )
    ])
  );
  const mixed = b.op('MatMul', [
    softmax(
      b,
      b.op('MatMul', [a, b.op('Transpose', [c], { perm: [0, 2, 1] })])
    ),
    d
  ]);
  return together(
    b,
    b.op('Reshape', [
      mixed,
      b.op(
        'Concat',
        [
          b.ints([-1, HEADS]),
          b.op('Shape', [q], { start: 1, end: 2 }),
          b.ints([WIDTH])
        ],
        { axis: 0 }
      )
    ])
  );
};

function einsum(scores: string, mixing: string): Mix {
  return (b, q, k, v) =>
    b.op('Reshape', [
      b.op(
        'Einsum',
        [
          softmax(
            b,
            b.op('Einsum', [apart(b, q), apart(b, k)], { equation: scores })
          ),
          apart(b, v)
        ],
        { equation: mixing }
      ),
      b.ints([0, 0, HIDDEN])
    ]);
}

/** exp(x - max) / sum exp(x - max), in nodes of their own. */
const writtenOut: Mix = (b, q, k, v) => {
  const scores = b.op('MatMul', [
    headsFirst(b, q),
    turned(b, headsFirst(b, k))
  ]);
  const raised = b.op('Exp', [
    b.op('Sub', [scores, b.over('ReduceMax', scores, [-1], { keepdims: 1 })])
  ]);
  return together(
    b,
    b.op('MatMul', [
      b.op('Div', [raised, b.over('ReduceSum', raised, [-1], { keepdims: 1 })]),
      headsFirst(b, v)
    ])
  );
};

/** NaN of rows that are masked whole are replaced, and half precision is left and entered. */
const replaced: Mix = (b, q, k, v) => {
  const shares = softmax(
    b,
    b.op('Mul', [
      b.op('MatMul', [headsFirst(b, q), turned(b, headsFirst(b, k))]),
      b.floats([0.5], [])
    ])
  );
  const numbers = b.op('Where', [
    b.op('IsNaN', [shares]),
    b.floats([0], []),
    shares
  ]);
  return together(
    b,
    b.op('MatMul', [
      b.op('Cast', [b.op('Cast', [numbers], { to: 11 })], { to: 1 }),
      headsFirst(b, v)
    ])
  );
};

const fusedProduct: Mix = (b, q, k, v) =>
  together(
    b,
    b.op('MatMul', [
      softmax(
        b,
        b.op(
          'com.microsoft.FusedMatMul',
          [headsFirst(b, q), turned(b, headsFirst(b, k))],
          { alpha: { float: 0.5 } }
        )
      ),
      headsFirst(b, v)
    ])
  );

const SIZES = { heads: HEADS, keyValueHeads: HEADS, width: WIDTH };
const HEADS_FIRST = {
  probabilities: ['batch', 'heads', 'queries', 'keys'],
  mixed: ['batch', 'heads', 'queries', 'width']
};

const FORMS: [string, Mix, Record<'probabilities' | 'mixed', string[]>][] = [
  ['heads before tokens', plain, HEADS_FIRST],
  [
    'heads in the batch',
    folded,
    {
      probabilities: ['batch-heads', 'queries', 'keys'],
      mixed: ['batch-heads', 'queries', 'width']
    }
  ],
  [
    'Einsum with heads first',
    einsum('bqhd,bkhd->bhqk', 'bhqk,bkhd->bqhd'),
    {
      probabilities: ['batch', 'heads', 'queries', 'keys'],
      mixed: ['batch', 'queries', 'heads', 'width']
    }
  ],
  [
    'Einsum with queries first',
    einsum('bqhd,bkhd->bqhk', 'bqhk,bkhd->bqhd'),
    {
      probabilities: ['batch', 'queries', 'heads', 'keys'],
      mixed: ['batch', 'queries', 'heads', 'width']
    }
  ],
  ['a softmax written out', writtenOut, HEADS_FIRST]
];

describe('attention', () => {
  it.each(FORMS)('is found as %s', async (_, mix, axes) => {
    const folder = block(mix);
    const { attention, unknown } = await find(folder);
    expect(unknown).toEqual([]);
    expect(attention).toMatchObject([
      { layer: 0, kind: 'self', sinks: false, ...SIZES }
    ]);
    const [own] = attention;
    expect(own.probabilities.axes).toEqual(axes.probabilities);
    expect(own.mixed.axes).toEqual(axes.mixed);
    expect(own.output).toBeDefined();
    expect(Object.keys(own.projected)).toEqual(['query', 'key', 'value']);
    // The same weights in every form: the same probabilities.
    const usual = block(plain);
    const [other] = (await find(usual)).attention;
    const numbers = await probabilities(folder, own);
    (await probabilities(usual, other)).forEach((p, i) =>
      expect(numbers[i]).toBeCloseTo(p, 5)
    );
  });

  it.each([
    ['with scores scaled and numbers replaced', replaced],
    ['with a fused product', fusedProduct]
  ])('is found %s', async (_, mix) => {
    const { attention, unknown } = await find(block(mix));
    expect(unknown).toEqual([]);
    expect(attention).toMatchObject([
      { ...SIZES, probabilities: { axes: HEADS_FIRST.probabilities } }
    ]);
  });

  it('is found in a model of one sequence a run', async () => {
    const { attention } = await find(block(plain, 1));
    expect(attention).toMatchObject([
      { ...SIZES, probabilities: { axes: HEADS_FIRST.probabilities } }
    ]);
  });

  it('is found where one key and value serve all heads', async () => {
    const { attention, unknown } = await find(
      block((b, q, k, v) => {
        const [key, value] = [k, v].map(tensor =>
          b.over(
            'Unsqueeze',
            b.op('MatMul', [tensor, b.weight([HIDDEN, WIDTH])]),
            [1]
          )
        );
        return together(
          b,
          b.op('MatMul', [
            softmax(b, b.op('MatMul', [headsFirst(b, q), turned(b, key)])),
            value
          ])
        );
      })
    );
    expect(unknown).toEqual([]);
    expect(attention).toMatchObject([{ ...SIZES, keyValueHeads: 1 }]);
  });

  it('is found where one product gives queries, keys and values', async () => {
    const { attention } = await find(
      block((b, q) => {
        const packed = b.op('Add', [
          b.op('MatMul', [q, b.weight([HIDDEN, 3 * HIDDEN])]),
          b.weight([3 * HIDDEN])
        ]);
        const [own, key, value] = b.many(
          'Split',
          [packed, b.ints([HIDDEN, HIDDEN, HIDDEN])],
          3,
          { axis: -1 }
        );
        return plain(b, own, key, value);
      })
    );
    const [{ projected }] = attention;
    const names = Object.values(projected);
    expect(names).toHaveLength(3);
    expect(new Set(names).size).toBe(3);
  });

  it('is reported, and not guessed, where two are subtracted before they mix', async () => {
    const { attention, unknown } = await find(
      block((b, q, k, v) => {
        const shares = [q, k].map(other =>
          softmax(
            b,
            b.op('MatMul', [headsFirst(b, other), turned(b, headsFirst(b, k))])
          )
        );
        return together(
          b,
          b.op('MatMul', [b.op('Sub', shares), headsFirst(b, v)])
        );
      })
    );
    expect(attention).toEqual([]);
    expect(unknown.map(({ op, layer }) => [op, layer])).toEqual([
      ['Softmax', 0],
      ['Softmax', 0]
    ]);
  });

  it('is reported, and not guessed, where only half of the tokens are keys', async () => {
    const { attention, unknown } = await find(
      block((b, q, k, v) => {
        const half = (tensor: string): string =>
          b.op('Slice', [
            headsFirst(b, tensor),
            b.ints([0]),
            b.op('Div', [
              b.op('Shape', [tensor], { start: 1, end: 2 }),
              b.ints([2])
            ]),
            b.ints([2])
          ]);
        return together(
          b,
          b.op('MatMul', [
            softmax(b, b.op('MatMul', [headsFirst(b, q), turned(b, half(k))])),
            half(v)
          ])
        );
      })
    );
    expect(attention).toEqual([]);
    expect(unknown.map(({ why }) => why)).toEqual([
      'its keys are not the tokens'
    ]);
  });
});

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
