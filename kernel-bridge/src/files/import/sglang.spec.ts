import fc from 'fast-check';
import { fileOf, idsOf, imported } from '../../../test/imported';

const SHAPE = { layers: 2, topK: 2 };
/** [3 tokens, 2 layers, 2 experts]: layer 0 has no router, the last token was not run. */
const IDS = [0, 0, 5, 1, 0, 0, 2, 7, 0, 0, 0, 0];

const base64 = (ids: readonly number[]): string =>
  Buffer.from(Int32Array.from(ids).buffer).toString('base64');
const response = (ids: readonly number[], more: object = {}): object => ({
  text: 'x',
  output_ids: [70, 71],
  meta_info: { id: 'r', prompt_tokens: 1, routed_experts: base64(ids), ...more }
});

describe('SGLang', () => {
  it.each<[string, string, string[]]>([
    ['a response', JSON.stringify(response(IDS)), ['x']],
    [
      'a response over several lines',
      JSON.stringify(response(IDS), undefined, 2),
      ['x']
    ],
    [
      'a list of responses',
      JSON.stringify([response(IDS), response(IDS)]),
      ['x', 'x/1']
    ],
    [
      'one response per line',
      `${JSON.stringify(response(IDS))}\n${JSON.stringify(response(IDS))}\n`,
      ['x', 'x/1']
    ],
    [
      'an OpenAI-like response',
      JSON.stringify({ choices: [], sglext: { routed_experts: base64(IDS) } }),
      ['x']
    ],
    ['the bare text', `${base64(IDS)}\n`, ['x']]
  ])('reads %s', async (_, text, samples) => {
    const { trace } = await imported('sglang', fileOf('x.json', text), SHAPE);
    expect(trace.samples.map(({ id }) => id)).toEqual(samples);
    expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([1]);
    expect(idsOf(trace, 1)).toEqual([
      [5, 1],
      [2, 7]
    ]);
  });

  it('reads the token ids of the response', async () => {
    const one = await imported(
      'sglang',
      fileOf('x.json', JSON.stringify(response(IDS))),
      SHAPE
    );
    expect(one.trace.samples[0].tokens.map(({ id }) => id)).toEqual([-1, 70]);
    const all = await imported(
      'sglang',
      fileOf(
        'x.json',
        JSON.stringify({ ...response(IDS), prompt_token_ids: [69] })
      ),
      SHAPE
    );
    expect(all.trace.samples[0].tokens.map(({ id }) => id)).toEqual([69, 70]);
  });

  it.each([
    ['uint8', Uint8Array],
    ['uint16', Uint16Array]
  ])('reads %s if the response says so', async (type, array) => {
    const text = Buffer.from(array.from(IDS).buffer).toString('base64');
    const path = fileOf(
      'x.json',
      JSON.stringify(
        response([], { routed_experts: text, routed_experts_dtype: type })
      )
    );
    const { trace } = await imported('sglang', path, SHAPE);
    expect(idsOf(trace, 1)).toEqual([
      [5, 1],
      [2, 7]
    ]);
  });

  it('gives back any ids', async () => {
    const shapes = fc
      .record({
        layers: fc.integer({ min: 1, max: 3 }),
        topK: fc.integer({ min: 1, max: 3 }),
        tokens: fc.integer({ min: 1, max: 4 })
      })
      .chain(shape =>
        fc.record({
          shape: fc.constant(shape),
          ids: fc.array(
            // From 1: a token of only zeros counts as not run.
            fc.shuffledSubarray([1, 2, 3, 4, 5, 200], {
              minLength: shape.topK,
              maxLength: shape.topK
            }),
            {
              minLength: shape.tokens * shape.layers,
              maxLength: shape.tokens * shape.layers
            }
          )
        })
      );
    await fc.assert(
      fc.asyncProperty(shapes, async ({ shape, ids }) => {
        const { trace } = await imported(
          'sglang',
          fileOf('x.txt', base64(ids.flat())),
          shape
        );
        for (let layer = 0; layer < shape.layers; layer++) {
          expect(idsOf(trace, layer)).toEqual(
            ids.filter((_, i) => i % shape.layers === layer)
          );
        }
      }),
      { numRuns: 15 }
    );
  });
});

describe('rejects invalid responses', () => {
  const text = JSON.stringify(response(IDS));
  it.each<[string, string, object, RegExp]>([
    ['no shape', text, { topK: 2 }, /how many layers there are.*--layers/],
    ['no top-k', text, { layers: 2 }, /how many experts a token selects/],
    [
      'another shape',
      text,
      { layers: 5, topK: 2 },
      /48 bytes, not a multiple of 4 x 5/
    ],
    [
      'an invalid expert',
      text,
      { ...SHAPE, experts: 6 },
      /invalid expert 7: the model has 6 \(.*routed_experts\[1, 1, 1\]\)/
    ],
    [
      'an expert twice',
      base64([3, 3, 1, 2]),
      SHAPE,
      /expert 3 twice \(.*\[0, 0, 1\]\)/
    ],
    [
      'truncated JSON',
      text.slice(0, -9),
      SHAPE,
      /neither JSON nor base64.*line 1, column \d+\)/
    ],
    [
      'a truncated line',
      `${text}\n{"a":`,
      SHAPE,
      /neither JSON nor base64.*line 2, column 6\)/
    ],
    [
      'truncated ids',
      base64(IDS).slice(0, -5),
      SHAPE,
      /not base64|not a multiple/
    ],
    [
      'text that is not base64',
      JSON.stringify(response([], { routed_experts: '****' })),
      SHAPE,
      /not base64/
    ],
    [
      'an unknown type',
      JSON.stringify(response(IDS, { routed_experts_dtype: 'float64' })),
      SHAPE,
      /unsupported routed_experts_dtype float64.*uint8.*int32/
    ],
    [
      'ids that are not text',
      JSON.stringify(response([], { routed_experts: 17 })),
      SHAPE,
      /is not text/
    ],
    ['no ids', JSON.stringify({ text: 'x' }), SHAPE, /no routed experts/],
    ['a number', '17', SHAPE, /not base64|no routed experts|not a multiple/],
    ['nothing', '', SHAPE, /no routed experts/]
  ])('%s', async (_, content, options, message) => {
    await expect(
      imported('sglang', fileOf('x.json', content), options)
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });
});
