/** Fused operators against their decompositions, both in onnxruntime on the CPU. */
import type { TensorValue } from '../../../run/engine/messages';
import {
  GraphBuilder,
  tensor,
  type Attributes
} from '../../../../test/graph-builder';
import { graphRunner } from '../../../../test/numerical-gradient';
import { Graph } from '../graph';
import { decomposeFused } from '.';

const TOKENS = 9;

/** Largest difference between the outputs of a graph and of its decomposition. */
async function difference(
  b: GraphBuilder,
  feeds: Record<string, TensorValue>,
  opset = 18
): Promise<number> {
  const { graph } = b.build();
  const names = graph.output.map(({ name }) => name!);
  const { graph: plain } = decomposeFused(new Graph(graph));
  expect(plain.node.filter(({ opType }) => FUSED.test(opType!))).toEqual([]);
  const run = graphRunner(opset);
  const [fused] = await run(graph, [feeds], names);
  const [ours] = await run(plain, [feeds], names);
  return Math.max(
    ...names.map(name => {
      expect(ours[name].dims).toEqual(fused[name].dims);
      return Math.max(
        ...Array.from(fused[name].data as Float32Array, (x, i) =>
          Math.abs(x - Number(ours[name].data[i]))
        )
      );
    })
  );
}

const FUSED = /^Attention|MoE|MultiHead|Skip|NBits|Bias|Fast|Fused/;

function floats(
  b: GraphBuilder,
  name: string,
  dims: number[],
  scale = 1
): [string, TensorValue] {
  b.input(name, 'float', dims);
  return [
    name,
    {
      type: 'float32',
      dims,
      data: Float32Array.from(
        { length: dims.reduce((n, d) => n * d, 1) },
        () => (b.random() * 2 - 1) * scale
      )
    }
  ];
}

/** Random uint8 values. */
function bytes(b: GraphBuilder, dims: number[]): string {
  const name = b.name('bytes');
  const size = dims.reduce((n, d) => n * d, 1);
  b.initializers.push(
    tensor(
      name,
      2,
      dims,
      Uint8Array.from({ length: size }, () => b.random() * 256)
    )
  );
  return name;
}

interface MoECase {
  attributes: Attributes;
  bias?: boolean;
  /** Router logits. Default random ones. */
  scores?: (token: number, expert: number) => number;
  /** Dims of the input before the hidden size. Default [TOKENS]. */
  lead?: number[];
}

const [EXPERTS, HIDDEN, INNER] = [5, 8, 6];

async function moeDifference({
  attributes,
  bias = false,
  scores,
  lead = [TOKENS]
}: MoECase): Promise<number> {
  const b = new GraphBuilder({ seed: 4 });
  const [x, input] = floats(b, 'x', [...lead, HIDDEN]);
  const [router, logits] = floats(b, 'router', [TOKENS, EXPERTS], 2);
  if (scores) {
    logits.data.forEach(
      (_, i) => (logits.data[i] = scores(Math.floor(i / EXPERTS), i % EXPERTS))
    );
  }
  const out = attributes.activation_type === 'swiglu' ? 2 * INNER : INNER;
  const y = b.op(
    'com.microsoft.MoE',
    [
      x,
      router,
      b.weight([EXPERTS, out, HIDDEN]),
      bias ? b.weight([EXPERTS, out]) : '',
      b.weight([EXPERTS, HIDDEN, INNER]),
      bias ? b.weight([EXPERTS, HIDDEN]) : ''
    ],
    attributes
  );
  b.output(y);
  return difference(b, { x: input, router: logits });
}

describe('MoE', () => {
  it.each(['relu', 'gelu', 'silu', 'identity'])('%s', async name => {
    for (const normalize_routing_weights of [0, 1]) {
      for (const k of [1, 2, EXPERTS]) {
        expect(
          await moeDifference({
            attributes: { k, activation_type: name, normalize_routing_weights },
            bias: k === 2
          })
        ).toBeLessThan(1e-5);
      }
    }
  });

  it.each([
    [{ activation_alpha: { float: 1.702 }, activation_beta: { float: 1 } }],
    [{ swiglu_limit: { float: 0.5 } }],
    [{}]
  ] as [Attributes][])('swiglu in pairs, %j', async attributes => {
    expect(
      await moeDifference({
        attributes: {
          k: 2,
          activation_type: 'swiglu',
          swiglu_fusion: 1,
          normalize_routing_weights: 1,
          ...attributes
        },
        bias: true
      })
    ).toBeLessThan(1e-5);
  });

  it('runs on a batch of sequences', async () => {
    expect(
      await moeDifference({
        attributes: { k: 2, activation_type: 'silu' },
        lead: [3, 3]
      })
    ).toBeLessThan(1e-5);
  });

  it('chooses the later of experts with equal scores', async () => {
    for (const scores of [
      () => 0,
      (_: number, expert: number) => (expert === 1 ? 1 : 0),
      (token: number, expert: number) => (token + expert) % 3
    ]) {
      expect(
        await moeDifference({
          attributes: { k: 2, activation_type: 'silu' },
          scores
        })
      ).toBeLessThan(1e-5);
    }
  });

  it('returns the tensors of its expert choice', async () => {
    const b = new GraphBuilder({ seed: 4 });
    const [x, input] = floats(b, 'x', [2, HIDDEN]);
    const [router, logits] = floats(b, 'router', [2, EXPERTS]);
    (logits.data as Float32Array).set([0, 3, 1, 0, 2, 5, 0, 0, 5, 1]);
    const y = b.op(
      'com.microsoft.MoE',
      [
        x,
        router,
        b.weight([EXPERTS, INNER, HIDDEN]),
        '',
        b.weight([EXPERTS, HIDDEN, INNER])
      ],
      { k: 2, normalize_routing_weights: 1 }
    );
    b.output(y);
    const { graph, choices } = decomposeFused(new Graph(b.build().graph));
    const { selected, weights } = choices.get(y)!;
    const output = [
      { name: selected, type: { tensorType: { elemType: 7 } } },
      { name: weights, type: { tensorType: { elemType: 1 } } }
    ];
    const [run] = await graphRunner(18)(
      { ...graph, output },
      [{ x: input, router: logits }],
      [selected, weights]
    );
    expect(Array.from(run[selected].data as BigInt64Array, Number)).toEqual([
      1, 4, 3, 0
    ]);
    const [first, second] = run[weights].data as Float32Array;
    expect(first / second).toBeCloseTo(Math.E, 4);
    expect(first + second).toBeCloseTo(1, 6);
  });

  it('ignores use_sparse_mixer, as onnxruntime does', async () => {
    expect(
      await moeDifference({
        attributes: { k: 2, activation_type: 'silu', use_sparse_mixer: 1 }
      })
    ).toBeLessThan(1e-5);
  });
});

interface QMoECase {
  bits: 4 | 8;
  block?: number;
  zeroPoints?: boolean;
  routerWeights?: boolean;
  normalize?: number;
  scores?: () => number;
}

async function qmoeDifference({
  bits,
  block = 0,
  zeroPoints = false,
  routerWeights = false,
  normalize = 0,
  scores
}: QMoECase): Promise<number> {
  const [experts, hidden, inner] = [4, 64, 32];
  const b = new GraphBuilder({ seed: 6 });
  const [x, input] = floats(b, 'x', [TOKENS, hidden]);
  const [router, logits] = floats(b, 'router', [TOKENS, experts], 2);
  if (scores) {
    logits.data.forEach((_, i) => (logits.data[i] = scores()));
  }
  const [own, weights] = floats(b, 'own', [TOKENS, experts]);
  weights.data.forEach((w, i) => (weights.data[i] = Math.abs(Number(w)) + 0.1));
  if (!routerWeights) {
    b.inputs.pop();
  }
  const packed = 8 / bits;
  const rows = 2 * inner;
  const product = (out: number, into: number): [string, string, string] => {
    const blocks = block ? into / block : 1;
    const scales = b.floats(
      Array.from(
        { length: experts * out * blocks },
        () => (0.02 + b.random() * 0.02) / (bits === 8 ? 16 : 1)
      ),
      block ? [experts, out, blocks] : [experts, out]
    );
    const points = block
      ? [experts, out, Math.ceil(blocks / packed)]
      : [experts, Math.ceil(out / packed)];
    return [
      bytes(b, [experts, out, into / packed]),
      scales,
      zeroPoints ? bytes(b, points) : ''
    ];
  };
  const [w1, s1, z1] = product(rows, hidden);
  const [w2, s2, z2] = product(hidden, inner);
  const inputs = [
    x,
    router,
    w1,
    s1,
    b.weight([experts, rows]),
    w2,
    s2,
    b.weight([experts, hidden]),
    '',
    '',
    '',
    z1,
    z2,
    '',
    ...(routerWeights ? [own] : [])
  ];
  while (inputs[inputs.length - 1] === '') {
    inputs.pop();
  }
  const y = b.op('com.microsoft.QMoE', inputs, {
    k: 2,
    activation_type: 'swiglu',
    expert_weight_bits: bits,
    normalize_routing_weights: normalize,
    swiglu_fusion: 1,
    ...(block ? { block_size: block } : {})
  });
  b.output(y);
  return difference(b, {
    x: input,
    router: logits,
    ...(routerWeights ? { own: weights } : {})
  });
}

/** With other activations than swiglu onnxruntime 1.30 reads uninitialised memory, so there is nothing to compare. */
describe('QMoE', () => {
  it.each([
    [{ bits: 4 }],
    [{ bits: 4, block: 32 }],
    [{ bits: 4, block: 32, normalize: 1 }],
    [{ bits: 4, block: 16, zeroPoints: true }],
    [{ bits: 4, zeroPoints: true }],
    [{ bits: 4, routerWeights: true }],
    [{ bits: 4, routerWeights: true, normalize: 1 }],
    [{ bits: 8 }],
    [{ bits: 8, zeroPoints: true }],
    [{ bits: 8, block: 32, zeroPoints: true }]
  ] as [QMoECase][])('%j', async options => {
    expect(await qmoeDifference(options)).toBeLessThan(2e-4);
  });

  it('chooses the later of experts with equal scores', async () => {
    expect(await qmoeDifference({ bits: 4, scores: () => 0 })).toBeLessThan(
      2e-4
    );
  });
});

describe('products with quantised weights', () => {
  it.each([
    [4, false],
    [4, true],
    [8, false],
    [8, true]
  ])('MatMulNBits of %d bits, zero points: %s', async (bits, points) => {
    const [K, N, block] = [96, 10, 32];
    const blocks = K / block;
    const b = new GraphBuilder({ seed: 2 });
    const [x, input] = floats(b, 'x', [2, 3, K]);
    const y = b.op(
      'com.microsoft.MatMulNBits',
      [
        x,
        bytes(b, [N, blocks, (block * bits) / 8]),
        b.weight([N, blocks], 0.05),
        ...(points ? [bytes(b, [N, Math.ceil((blocks * bits) / 8)])] : [])
      ],
      { K, N, bits, block_size: block, accuracy_level: 1 }
    );
    b.output(y);
    const off = await difference(b, { x: input });
    expect(off).toBeLessThan(bits === 8 ? 2e-3 : 1e-4);
  });
});

describe('attention and norms', () => {
  it.each([[{}], [{ scale: { float: 0.3 } }]] as [Attributes][])(
    'MultiHeadAttention with a mask, %j',
    async attributes => {
      const b = new GraphBuilder({ seed: 3 });
      const feeds = Object.fromEntries([
        floats(b, 'q', [2, 5, 8]),
        floats(b, 'k', [2, 5, 8]),
        floats(b, 'v', [2, 5, 8]),
        floats(b, 'mask', [2, 1, 5, 5], 3)
      ]);
      const y = b.op(
        'com.microsoft.MultiHeadAttention',
        ['q', 'k', 'v', '', '', 'mask'],
        { num_heads: 2, ...attributes }
      );
      b.output(y);
      expect(await difference(b, feeds)).toBeLessThan(1e-5);
    }
  );

  it.each([true, false])(
    'SkipLayerNormalization, simplified: %s',
    async simplified => {
      for (const bias of [true, false]) {
        const b = new GraphBuilder({ seed: 3 });
        const feeds = Object.fromEntries([
          floats(b, 'x', [2, 3, 8]),
          floats(b, 'skip', [2, 3, 8])
        ]);
        const own = bias ? b.weight([8]) : '';
        const [y, , , sum] = b.many(
          simplified
            ? 'com.microsoft.SkipSimplifiedLayerNormalization'
            : 'com.microsoft.SkipLayerNormalization',
          [
            'x',
            'skip',
            b.weight([8]),
            ...(simplified ? [] : [b.weight([8])]),
            own
          ],
          4,
          { epsilon: { float: 0.01 } }
        );
        b.output(y);
        b.output(sum);
        expect(await difference(b, feeds)).toBeLessThan(1e-5);
      }
    }
  );

  it.each(['BiasGelu', 'FastGelu'])('%s', async op => {
    const b = new GraphBuilder({ seed: 3 });
    const feeds = Object.fromEntries([floats(b, 'x', [3, 8], 2)]);
    b.output(b.op(`com.microsoft.${op}`, ['x', b.weight([8])]));
    expect(await difference(b, feeds)).toBeLessThan(1e-5);
  });

  it('FusedMatMul', async () => {
    const b = new GraphBuilder({ seed: 3 });
    const feeds = Object.fromEntries([floats(b, 'x', [8, 3])]);
    b.output(
      b.op('com.microsoft.FusedMatMul', ['x', b.weight([5, 8])], {
        transA: 1,
        transB: 1,
        alpha: { float: 0.5 }
      })
    );
    expect(await difference(b, feeds)).toBeLessThan(1e-5);
  });
});

describe('decomposeFused', () => {
  it('refuses a form without a decomposition, naming the operator', () => {
    const b = new GraphBuilder();
    b.input('x', 'float', [2, 3, 8]);
    b.output(b.op('com.microsoft.MultiHeadAttention', ['x'], { num_heads: 2 }));
    expect(() => decomposeFused(new Graph(b.build().graph))).toThrow(
      /MultiHeadAttention.*packed/
    );
  });

  it('returns a graph without fused operators unchanged', () => {
    const b = new GraphBuilder();
    b.input('x', 'float', [2]);
    b.output(b.op('Relu', ['x']));
    const { graph } = b.build();
    expect(decomposeFused(new Graph(graph)).graph).toBe(graph);
  });
});

describe('Attention', () => {
  const [BATCH, HEADS, QUERIES, PAST, WIDTH] = [2, 4, 3, 2, 5];

  async function ofForm({
    groups = HEADS,
    flat = false,
    past = false,
    mask,
    keys = QUERIES,
    attributes = {}
  }: {
    groups?: number;
    /** Heads share the last axis: [batch, tokens, heads * width]. */
    flat?: boolean;
    past?: boolean;
    mask?: 'float' | 'bool';
    keys?: number;
    attributes?: Attributes;
  }): Promise<number> {
    const b = new GraphBuilder({ seed: 9, opset: 23 });
    const feeds: Record<string, TensorValue> = {};
    const input = (name: string, dims: number[]): string => {
      [, feeds[name]] = floats(b, name, dims, 2);
      return name;
    };
    const part = (name: string, heads: number, length: number): string =>
      input(
        name,
        flat ? [BATCH, length, heads * WIDTH] : [BATCH, heads, length, WIDTH]
      );
    const all = keys + (past ? PAST : 0);
    let seen = '';
    if (mask === 'bool') {
      b.input('mask', 'bool', [QUERIES, all]);
      seen = 'mask';
      feeds.mask = {
        type: 'bool',
        dims: [QUERIES, all],
        data: Uint8Array.from({ length: QUERIES * all }, (_, i) =>
          i % all === 0 || b.random() < 0.5 ? 1 : 0
        )
      };
    } else if (mask) {
      seen = input('mask', [BATCH, 1, QUERIES, all]);
    }
    const inputs = [
      part('query', HEADS, QUERIES),
      part('key', groups, keys),
      part('value', groups, keys),
      seen,
      ...(past
        ? ['past_key', 'past_value'].map(name =>
            input(name, [BATCH, groups, PAST, WIDTH])
          )
        : [])
    ];
    const outputs = b.many('Attention', inputs, past ? 3 : 1, {
      ...(flat ? { q_num_heads: HEADS, kv_num_heads: groups } : {}),
      ...attributes
    });
    outputs.forEach(name => b.output(name, 'float'));
    return difference(b, feeds, 23);
  }

  it.each<[string, Parameters<typeof ofForm>[0]]>([
    ['heads in an axis of their own', {}],
    ['flat heads', { flat: true }],
    ['heads that share keys', { groups: 2, mask: 'float' }],
    ['flat heads that share keys', { groups: 2, flat: true, mask: 'bool' }],
    ['a causal mask of its own', { attributes: { is_causal: 1 } }],
    ['a cache', { past: true, attributes: { is_causal: 1 } }],
    ['a cache of shared keys', { past: true, groups: 1, mask: 'float' }],
    ['more keys than queries', { keys: 6, mask: 'bool' }],
    ['a scale', { attributes: { scale: { float: 0.7 } } }],
    [
      'scores that are capped, then masked',
      { mask: 'float', attributes: { softcap: { float: 0.8 } } }
    ]
  ])('with %s', async (_, form) => {
    expect(await ofForm(form)).toBeLessThan(2e-6);
  });
});
