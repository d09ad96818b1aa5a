/** GroupQueryAttention: its decomposition against onnxruntime's kernel, over random shapes and forms. */
import * as fc from 'fast-check';
import type { TensorValue } from '../../../run/engine/messages';
import { GraphBuilder, type Attributes } from '../../../../test/graph-builder';
import { graphRunner } from '../../../../test/numerical-gradient';
import type { NodeProto } from '../../file/schema';
import { writeAttribute } from '../attributes';
import { Graph } from '../graph';
import { decomposeFused } from '.';

interface Form {
  batch: number;
  tokens: number;
  groups: number;
  /** Query heads of each group. */
  shared: number;
  width: number;
  packed: boolean;
  rotary: 'none' | 'halves' | 'pairs';
  /** Applies the rotary embedding to half of each head. */
  partly: boolean;
  /** Past tokens and slots of the KV cache; undefined without one. */
  cache?: { before: number; slots: number };
  /** Padding tokens after each prompt but the longest. */
  padding: number;
  window: number;
  sliding: boolean;
  softcap: number;
  scale: number;
  sink: 'none' | 'smooth' | 'given';
}

const MAX_POSITIONS = 64;

function floats(b: GraphBuilder, name: string, dims: number[]): TensorValue {
  b.input(
    name,
    'float',
    dims.map((_, i) => `${name}_${i}`)
  );
  const data = Float32Array.from(
    { length: dims.reduce((n, d) => n * d, 1) },
    () => b.random() * 2 - 1
  );
  return { type: 'float32', dims, data };
}

function ints(
  b: GraphBuilder,
  name: string,
  dims: number[],
  values: number[]
): TensorValue {
  b.input(
    name,
    'int32',
    dims.map((_, i) => `${name}_${i}`)
  );
  return { type: 'int32', dims, data: Int32Array.from(values) };
}

/** Cosines or sines of a position and a frequency, [MAX_POSITIONS, half]. */
function angles(
  b: GraphBuilder,
  half: number,
  of: (angle: number) => number
): string {
  return b.floats(
    Array.from({ length: MAX_POSITIONS * half }, (_, i) =>
      of(Math.floor(i / half) * 10 ** -((2 * (i % half)) / half))
    ),
    [MAX_POSITIONS, half]
  );
}

function write(form: Form) {
  const { batch, tokens, groups, shared, width } = form;
  const heads = groups * shared;
  const b = new GraphBuilder({ seed: 7 });
  const feeds: Record<string, TensorValue> = {};
  const feed = (name: string, value: TensorValue): string => {
    feeds[name] = value;
    return name;
  };
  const own = (name: string, n: number): string =>
    feed(name, floats(b, name, [batch, tokens, n * width]));
  const qkv = form.packed
    ? [own('qkv', heads + 2 * groups), '', '']
    : [own('query', heads), own('key', groups), own('value', groups)];
  const { cache } = form;
  const past = cache
    ? ['past_key', 'past_value'].map(name =>
        feed(name, floats(b, name, [batch, groups, cache.slots, width]))
      )
    : ['', ''];
  const before = cache?.before ?? 0;
  const total = before + tokens;
  const lengths = Array.from({ length: batch }, (_, i) =>
    i === 0 ? total - 1 : total - 1 - form.padding
  );
  const half = form.partly ? width / 4 : width / 2;
  const rotation =
    form.rotary === 'none'
      ? ['', '']
      : [angles(b, half, Math.cos), angles(b, half, Math.sin)];
  const attributes: Attributes = {
    num_heads: heads,
    kv_num_heads: groups,
    do_rotary: form.rotary === 'none' ? 0 : 1,
    rotary_interleaved: form.rotary === 'pairs' ? 1 : 0,
    local_window_size: form.window,
    softcap: { float: form.softcap },
    scale: { float: form.scale },
    smooth_softmax: form.sink === 'smooth' ? 1 : 0,
    ...(form.sliding ? { sliding_window_cache: 1 } : {})
  };
  const outputs = b.many(
    'com.microsoft.GroupQueryAttention',
    [
      ...qkv,
      ...past,
      feed('lengths', ints(b, 'lengths', [batch], lengths)),
      feed('total', ints(b, 'total', [], [total])),
      ...rotation,
      '',
      '',
      form.sink === 'given' ? b.weight([heads]) : ''
    ],
    3,
    attributes
  );
  outputs.forEach(output => b.output(output));
  return { b, feeds, outputs, lengths, before };
}

/** Used slots of a sliding cache; onnxruntime leaves garbage in the others. */
function inUse({ tokens, window, cache }: Form): number {
  const { before, slots } = cache!;
  const beyond = before + tokens - slots;
  return beyond <= 0
    ? before + tokens
    : window + ((beyond - 1) % (slots - window + 1));
}

/** Largest difference of each output, up to the end of each sequence. */
async function difference(form: Form): Promise<number[]> {
  const { b, feeds, outputs, lengths, before } = write(form);
  const { graph } = b.build();
  const { graph: plain } = decomposeFused(new Graph(graph));
  expect(plain.node.map(({ opType }) => opType)).not.toContain(
    'GroupQueryAttention'
  );
  const run = graphRunner(18);
  const [fused] = await run(graph, [feeds], outputs);
  const [ours] = await run(plain, [feeds], outputs);
  return outputs.map((name, i) => {
    const { dims } = fused[name];
    expect([name, ours[name].dims]).toEqual([name, dims]);
    const data = fused[name].data as Float32Array;
    const others = ours[name].data as Float32Array;
    let largest = 0;
    data.forEach((x, at) => {
      const row = Math.floor(at / dims.slice(1).reduce((n, d) => n * d, 1));
      const token =
        i === 0
          ? before + (Math.floor(at / dims[2]) % dims[1])
          : Math.floor(at / dims[3]) % dims[2];
      const end = form.sliding && i > 0 ? inUse(form) - 1 : lengths[row];
      if (token <= end) {
        largest = Math.max(largest, Math.abs(x - others[at]));
      }
    });
    return largest;
  });
}

/** Forms that onnxruntime accepts: with a past it takes several tokens of one sequence, or one token of several. */
const forms: fc.Arbitrary<Form> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    tokens: fc.integer({ min: 1, max: 12 }),
    groups: fc.integer({ min: 1, max: 3 }),
    shared: fc.integer({ min: 1, max: 3 }),
    width: fc.constantFrom(16, 32),
    packed: fc.boolean(),
    rotary: fc.constantFrom('none' as const, 'halves', 'pairs'),
    partly: fc.boolean(),
    cached: fc.constantFrom('no', 'empty', 'full', 'with room', 'sliding'),
    before: fc.integer({ min: 1, max: 20 }),
    padding: fc.nat(3),
    window: fc.constantFrom(-1, 1, 2, 5, 40),
    softcap: fc.constantFrom(0, 0.7),
    scale: fc.constantFrom(0, 0.3),
    sink: fc.constantFrom('none' as const, 'smooth', 'given')
  })
  .map(({ cached, ...form }) => {
    const sliding = cached === 'sliding';
    const window = sliding ? Math.abs(form.window) : form.window;
    const before = cached === 'empty' || cached === 'no' ? 0 : form.before;
    const slots = {
      ...{ no: 0, empty: 0, full: before, 'with room': before + 13 },
      sliding: window + 2
    }[cached]!;
    const goesOn = before > 0 && form.tokens > 1;
    return {
      ...form,
      ...(cached === 'no' ? {} : { cache: { before, slots } }),
      sliding,
      window,
      partly: form.partly && form.width === 32,
      batch: goesOn ? 1 : form.batch,
      padding:
        sliding || cached === 'full'
          ? 0
          : Math.min(form.padding, form.tokens - 1)
    };
  });

const simple: Form = {
  ...{ batch: 2, tokens: 7, groups: 2, shared: 2, width: 16 },
  ...{ packed: false, rotary: 'none', partly: false, padding: 0 },
  ...{ window: -1, sliding: false, softcap: 0, scale: 0, sink: 'none' }
};

describe('decomposition of GroupQueryAttention', () => {
  it.each([
    ['heads that share keys', {}],
    ['packed and rotated in halves', { packed: true, rotary: 'halves' }],
    ['rotated in pairs', { rotary: 'pairs' }],
    ['a local window', { window: 3 }],
    ['a soft cap', { softcap: 0.5 }],
    ['a sink', { sink: 'given' }],
    ['padding behind prompts', { padding: 3 }],
    [
      'one token after sequences of different lengths',
      { tokens: 1, cache: { before: 5, slots: 9 }, padding: 0 }
    ],
    [
      'a cache that slides',
      { batch: 1, cache: { before: 11, slots: 6 }, window: 5, sliding: true }
    ]
  ] as [string, Partial<Form>][])('%s', async (_, form) => {
    const found = await difference({ ...simple, ...form });
    expect(Math.max(...found)).toBeLessThan(1e-5);
  });

  it('computes what the node computes, in any form', async () => {
    await fc.assert(
      fc.asyncProperty(forms, async form => {
        expect(Math.max(...(await difference(form)))).toBeLessThan(1e-5);
      }),
      { numRuns: 150 }
    );
  });

  it.each([
    ['a bias', (node: NodeProto) => (node.input[10] = 'bias')],
    ['quantised', (node: NodeProto) => (node.input[12] = 'scales')],
    [
      'not causal',
      (node: NodeProto) => node.attribute.push(writeAttribute('causal', 0))
    ]
  ])('refuses %s, naming the node', (why, change) => {
    const { graph } = write(simple).b.build();
    const [node] = graph.node;
    node.name = 'attention of layer 3';
    while (node.input.length < 12) {
      node.input.push('');
    }
    change(node);
    expect(() => decomposeFused(new Graph(graph))).toThrow(
      expect.objectContaining({
        code: 'model-unsupported',
        message: expect.stringMatching(
          new RegExp(`${why}.*attention of layer 3`)
        ) as string
      })
    );
  });
});
