/** Forms in which exporters and users write attention. */
import {
  block,
  einsum,
  find,
  folded,
  fusedProduct,
  HEADS,
  headsFirst,
  HIDDEN,
  plain,
  replaced,
  softmax,
  together,
  turned,
  WIDTH,
  writtenOut,
  type Mix
} from '../../../test/attention-forms';
import { Engine } from '../../run/engine/engine';
import { ModelInputs, wholeSequence } from '../../run/model/inputs';
import { Graph } from '../../onnx/graph/graph';
import { readConfig } from '../../run/model/config';
import { readModel } from '../../onnx/file/model';
import { encodeModelProto } from '../../onnx/file/schema';
import type { Attention } from './attention';
import { inOrder } from './axes';

const IDS = [3, 1, 4, 1, 5, 9];

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
    // The same weights give the same probabilities in every form.
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

  it.each([HEADS, 1])(
    "is found in opset 23's one operator, with %d heads of keys",
    async kv_num_heads => {
      const { attention, unknown } = await find(
        block(
          (b, q, k, v) => {
            const [key, value] = [k, v].map(tensor =>
              b.op('MatMul', [tensor, b.weight([HIDDEN, kv_num_heads * WIDTH])])
            );
            return b.op('Attention', [q, key, value], {
              q_num_heads: HEADS,
              kv_num_heads,
              is_causal: 1
            });
          },
          'batch',
          23
        )
      );
      expect(unknown).toEqual([]);
      expect(attention).toMatchObject([
        { ...SIZES, keyValueHeads: kv_num_heads, sinks: false, emptyKeys: 0 }
      ]);
    }
  );

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

  it('reports, and does not guess, differential attention: two are subtracted before they mix', async () => {
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

  it('reports, and does not guess, attention whose keys are half of the tokens', async () => {
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

  it('reports a fused node that does not output its probabilities', async () => {
    const { attention, unknown } = await find(
      block((b, q) =>
        b.op(
          'com.microsoft.Attention',
          [q, b.weight([HIDDEN, 3 * HIDDEN]), b.weight([3 * HIDDEN])],
          { num_heads: HEADS }
        )
      )
    );
    expect(attention).toEqual([]);
    expect(unknown).toMatchObject([
      {
        op: 'com.microsoft.Attention',
        layer: 0,
        why: 'the fused node does not output its probabilities'
      }
    ]);
  });

  it('is found where heads lie behind the tokens of their group, and a cache is empty', async () => {
    const GROUPS = 2;
    const SLOTS = 5;
    const { attention, unknown } = await find(
      block((b, q, k, v) => {
        const own = b.op(
          'Transpose',
          [
            b.op('Reshape', [
              b.op('MatMul', [q, b.weight([HIDDEN, 2 * GROUPS * WIDTH])]),
              b.ints([0, 0, 2 * GROUPS, WIDTH])
            ])
          ],
          { perm: [0, 2, 1, 3] }
        );
        const [keys, values] = [k, v].map(tensor => {
          const parts = b.op(
            'Transpose',
            [
              b.op('Reshape', [
                b.op('MatMul', [tensor, b.weight([HIDDEN, GROUPS * WIDTH])]),
                b.ints([0, 0, GROUPS, WIDTH])
              ])
            ],
            { perm: [0, 2, 1, 3] }
          );
          const cache = b.op('Expand', [
            b.floats([0], [1, 1, 1, 1]),
            b.op(
              'Concat',
              [
                b.op('Shape', [tensor], { start: 0, end: 1 }),
                b.ints([GROUPS, SLOTS, WIDTH])
              ],
              { axis: 0 }
            )
          ]);
          return b.op('Concat', [cache, parts], { axis: 2 });
        });
        const grouped = (tensor: string): string =>
          b.op('Reshape', [tensor, b.ints([0, GROUPS, -1, 0])]);
        const apartAgain = (tensor: string): string =>
          b.op('Reshape', [tensor, b.ints([0, 2 * GROUPS, -1, 0])]);
        const scores = apartAgain(
          b.op('MatMul', [
            grouped(own),
            b.op('Transpose', [keys], { perm: [0, 1, 3, 2] })
          ])
        );
        const mixed = apartAgain(
          b.op('MatMul', [grouped(softmax(b, scores)), values])
        );
        return b.op('MatMul', [
          b.op('Reshape', [
            b.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
            b.ints([0, 0, 2 * GROUPS * WIDTH])
          ]),
          b.weight([2 * GROUPS * WIDTH, HIDDEN])
        ]);
      })
    );
    expect(unknown).toEqual([]);
    expect(attention).toMatchObject([
      {
        heads: 2 * GROUPS,
        keyValueHeads: GROUPS,
        width: WIDTH,
        emptyKeys: SLOTS,
        probabilities: { axes: HEADS_FIRST.probabilities },
        mixed: { axes: HEADS_FIRST.mixed }
      }
    ]);
  });
});
