import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { onBytes } from '../../../test/byte-mutations';
import { fileOf, idsOf, imported } from '../../../test/imported';
import { importTrace } from '.';

/** Two batches, of two prompt tokens and of one generated token, at layers 1 and 3 with two experts per token. */
const BATCHES = [
  { phase: 'prefill', tokens: [0, 1] },
  { phase: 'decode', tokens: [2] }
];
const ids = (token: number, layer: number): number[] => [
  (token + layer) % 8,
  (token + layer + 3) % 8
];
const each = (row: (token: number, layer: number, phase: string) => string[]) =>
  BATCHES.flatMap(({ phase, tokens }) =>
    [1, 3].flatMap(layer => tokens.flatMap(token => row(token, layer, phase)))
  ).join('\n');

const BY_RANK = `phase,token,layer,rank,expert\n${each((token, layer, phase) =>
  ids(token, layer).map((id, rank) => [phase, token, layer, rank, id].join())
)}\n`;
const BY_EXPERT = `layer,expert\n${each((token, layer) =>
  ids(token, layer).map(id => `${layer},${id}`)
)}\n`;
const BY_TOKEN = `${each((token, layer) => [
  [token < 2 ? token - 2 : token - 2, layer, ...ids(token, layer)].join()
])}\n`;

describe('llama.cpp moe-trace', () => {
  it.each<[string, string, object]>([
    ['phase,token,layer,rank,expert', BY_RANK, {}],
    ['layer,expert', BY_EXPERT, { topK: 2 }],
    [
      'layer,expert without a header',
      BY_EXPERT.replace(/^.*\n/, ''),
      { topK: 2 }
    ],
    ['pos,layer,id0,id1', BY_TOKEN, {}],
    [
      'pos,layer,id0,id1 with a header and comments',
      `# made by hand\npos,layer,id0,id1\r\n${BY_TOKEN.replaceAll('\n', '\r\n')}`,
      {}
    ]
  ])('reads %s', async (_, text, options) => {
    const { trace } = await imported(
      'llamacpp',
      fileOf('moe_trace.csv', text),
      options
    );
    expect(trace.samples.map(({ id }) => id)).toEqual(['moe_trace']);
    for (const layer of [1, 3]) {
      expect(idsOf(trace, layer)).toEqual(
        [0, 1, 2].map(token => ids(token, layer))
      );
    }
    expect(trace.samples[0].tokens.map(({ position }) => position)).toEqual([
      0, 1, 2
    ]);
  });

  it('reads concatenated traces as samples', async () => {
    for (const text of [BY_RANK + BY_RANK, BY_TOKEN + BY_TOKEN]) {
      const { trace } = await imported('llamacpp', fileOf('a.csv', text));
      expect(
        trace.samples.map(({ id, tokens }) => [id, tokens.length])
      ).toEqual([
        ['a', 3],
        ['a/1', 3]
      ]);
    }
  });

  it('reads weights where a fork writes them', async () => {
    const { trace } = await imported(
      'llamacpp',
      fileOf('a.csv', 'layer,token,expert,weight\n0,0,3,0.75\n0,0,1,0.25\n')
    );
    expect([...trace.layer(0).weights]).toEqual([0.75, 0.25]);
  });

  it('gives back any shape', async () => {
    const shapes = fc
      .record({
        topK: fc.integer({ min: 1, max: 3 }),
        layers: fc.integer({ min: 1, max: 3 }),
        batches: fc.array(fc.integer({ min: 1, max: 4 }), {
          minLength: 1,
          maxLength: 4
        })
      })
      .chain(shape =>
        fc.record({
          shape: fc.constant(shape),
          ids: fc.array(
            fc.array(
              fc.shuffledSubarray([0, 1, 2, 3, 4, 500], {
                minLength: shape.topK,
                maxLength: shape.topK
              }),
              { minLength: shape.layers, maxLength: shape.layers }
            ),
            {
              minLength: shape.batches.reduce((a, b) => a + b),
              maxLength: shape.batches.reduce((a, b) => a + b)
            }
          )
        })
      );
    await fc.assert(
      fc.asyncProperty(shapes, async ({ shape, ids: given }) => {
        const rows = ['phase,token,layer,rank,expert'];
        let from = 0;
        for (const tokens of shape.batches) {
          for (let layer = 0; layer < shape.layers; layer++) {
            for (let token = from; token < from + tokens; token++) {
              given[token][layer].forEach((id, rank) =>
                rows.push(['decode', token, layer, rank, id].join())
              );
            }
          }
          from += tokens;
        }
        const { trace } = await imported(
          'llamacpp',
          fileOf('a.csv', rows.join('\n'))
        );
        for (let layer = 0; layer < shape.layers; layer++) {
          expect(idsOf(trace, layer)).toEqual(
            given.map(layers => layers[layer])
          );
        }
      }),
      { numRuns: 15 }
    );
  });
});

describe('CSV that other programs wrote again', () => {
  const quoted = (text: string): string =>
    text.replace(/[^,\n]+/g, field => `"${field}"`);

  it.each<[string, string, object]>([
    ['blanks after commas', BY_RANK.replaceAll(',', ', '), {}],
    ['blanks around fields', BY_EXPERT.replace(/(\d+)/g, ' $1\t'), { topK: 2 }],
    ['quotes', quoted(BY_RANK), {}],
    [
      'quotes and blanks',
      quoted(BY_EXPERT).replaceAll(',', ' , '),
      { topK: 2 }
    ],
    ['quotes without a header', quoted(BY_TOKEN), {}],
    ['semicolons', BY_RANK.replaceAll(',', ';'), {}],
    ['tabs', BY_RANK.replaceAll(',', '\t'), {}],
    ['whole floats', BY_EXPERT.replace(/(\d+)/g, '$1.0'), { topK: 2 }],
    ['a byte order mark', `\ufeff${BY_EXPERT}`, { topK: 2 }],
    [
      'capitals',
      BY_RANK.replace('phase,token,layer', 'Phase,Token,Layer').replaceAll(
        'decode',
        'Decode'
      ),
      {}
    ]
  ])('is read: %s', async (_, text, options) => {
    const { trace } = await imported(
      'llamacpp',
      fileOf('a.csv', text),
      options
    );
    expect(trace.samples).toHaveLength(1);
    for (const layer of [1, 3]) {
      expect(idsOf(trace, layer)).toEqual([0, 1, 2].map(t => ids(t, layer)));
    }
  });

  it('reads the files of a folder as samples', async () => {
    const path = fileOf('run-10.csv', BY_RANK);
    writeFileSync(join(dirname(path), 'run-9.csv'), BY_RANK);
    const { trace } = await imported('llamacpp', dirname(path));
    expect(trace.samples.map(({ id }) => id)).toEqual(['run-9', 'run-10']);
    expect(idsOf(trace, 3, 1)).toEqual([0, 1, 2].map(t => ids(t, 3)));
  });
});

describe('columns are taken by their meaning', () => {
  it('ends the ids of a wide row where other columns begin', async () => {
    const { trace } = await imported(
      'llamacpp',
      fileOf('a.csv', 'pos,layer,id0,id1,seq\n0,1,5,6,1\n1,1,2,3,1\n')
    );
    expect(idsOf(trace, 1)).toEqual([
      [5, 6],
      [2, 3]
    ]);
  });

  it.each([
    [
      'the second rank before the first',
      '0,1,1,6\n0,1,0,5\n',
      /the row has rank 0 where rank 2 of a token follows/
    ],
    [
      'all first ranks before all second ones',
      '0,1,0,5\n1,1,0,4\n0,1,1,6\n1,1,1,7\n',
      /the row has rank 1 where rank 0 of a token follows .*sort them by layer, token and rank/
    ]
  ])('refuses %s', (_, rows, message) =>
    expect(
      imported('llamacpp', fileOf('a.csv', `token,layer,rank,expert\n${rows}`))
    ).rejects.toThrow(message)
  );

  it('takes ranks that begin with 1', async () => {
    const { trace } = await imported(
      'llamacpp',
      fileOf(
        'a.csv',
        'token,layer,rank,expert\n0,1,1,5\n0,1,2,6\n1,1,1,3\n1,1,2,2\n'
      )
    );
    expect(idsOf(trace, 1)).toEqual([
      [5, 6],
      [3, 2]
    ]);
  });
});

it('does not replace its input', async () => {
  const path = fileOf('a.csv', BY_RANK);
  await expect(importTrace('llamacpp', path, { out: path })).rejects.toThrow(
    /the import would replace its input/
  );
  expect(readFileSync(path, 'utf8')).toBe(BY_RANK);
});

describe('damaged CSV is rejected with its position', () => {
  it.each<[string, string, object, RegExp]>([
    ['no top-k', BY_EXPERT, {}, /how many experts a token selects.*--top-k/],
    [
      'a word for an id',
      'layer,expert\n0,x\n',
      { topK: 1 },
      /"x" is not a valid expert id \(.*line 2, column 3\)/
    ],
    [
      'an id below -1',
      'layer,expert\n0,-7\n',
      { topK: 1 },
      /"-7" is not a valid expert id/
    ],
    [
      'a word for a layer',
      'layer,expert\n?,1\n',
      { topK: 1 },
      /"\?" is not a valid layer \(.*line 2, column 1\)/
    ],
    [
      'an invalid expert',
      BY_RANK,
      { experts: 6 },
      /invalid expert 6: the limit is 6/
    ],
    [
      'an expert twice',
      'layer,expert\n0,1\n0,1\n',
      { topK: 2 },
      /expert 1 twice \(.*line 3\)/
    ],
    [
      'half a token',
      BY_EXPERT.trim().replace(/\n.*$/, ''),
      { topK: 2 },
      /a token has 1 experts.*but others have 2/
    ],
    [
      'half a batch',
      BY_RANK.split('\n').slice(0, 7).join('\n'),
      {},
      /layer 3 has 1 tokens, but the batch's first has 2/
    ],
    [
      'a truncated row',
      BY_RANK.trim().slice(0, -2),
      {},
      /has 4 fields, but earlier rows have 5 \(.*line 13, column/
    ],
    ['another k', '0,0,1,2\n1,0,1\n', {}, /has 3 fields/],
    ['a different k', BY_RANK, { topK: 3 }, /has 2 experts.*others have 3/],
    [
      'a header without experts',
      'layer,token\n1,2\n',
      {},
      /has no layer or no expert column/
    ],
    ['a header alone', 'layer,expert\n', { topK: 2 }, /no tokens/],
    ['text', 'hello\n', {}, /the line is not a data row/],
    ['nothing', '', {}, /no tokens/]
  ])('%s', async (_, text, options, message) => {
    await expect(
      imported('llamacpp', fileOf('a.csv', text), options)
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it('randomly changed bytes', async () => {
    let state = 31;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let refused = 0;
    for (let i = 0; i < 6; i++) {
      for (const mutate of Object.values(onBytes)) {
        const outcome = await imported(
          'llamacpp',
          fileOf('a.csv', mutate(Buffer.from(BY_RANK), random))
        ).then(
          () => undefined,
          (error: unknown) => error
        );
        if (outcome) {
          expect(outcome).toMatchObject({ code: 'input' });
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(15);
  });
});
