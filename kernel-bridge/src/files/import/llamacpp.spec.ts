import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { onBytes } from '../../../test/byte-mutations';
import { randomNumbers } from '../../../test/graph-builder';
import { fileOf, idsOf, imported, refusal } from '../../../test/imported';
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

  it('refuses a weight of no expert', async () => {
    const rows = (weight: string): string =>
      fileOf(
        'a.csv',
        `layer,token,expert,weight\n0,0,3,0.75\n0,0,-1,${weight}\n`
      );
    await expect(imported('llamacpp', rows('0.25'))).rejects.toThrow(
      /there is no expert, but the weight 0\.25 .*position 0, rank 1/
    );
    const { trace } = await imported('llamacpp', rows('0'));
    expect([...trace.layer(0).selected]).toEqual([3, -1]);
  });

  it('reads tokens without experts where the number of experts is given', async () => {
    const { trace } = await imported(
      'llamacpp',
      fileOf('a.csv', 'layer,expert\n0,-1\n0,-1\n0,-1\n0,0\n'),
      { topK: 2, experts: 4 }
    );
    expect(idsOf(trace, 0)).toEqual([
      [-1, -1],
      [-1, 0]
    ]);
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

describe('the last layer, which llama.cpp runs for output tokens only', () => {
  /** Rows of a batch; at the layers of `few` only the last tokens are run, and labelled as the first ones. */
  const batch = (
    from: number,
    tokens: number,
    counts: Record<number, number>
  ): [number, number, number[]][] =>
    Object.entries(counts).flatMap(([layer, count]) =>
      Array.from({ length: count }, (_, t): [number, number, number[]] => [
        from + t,
        Number(layer),
        ids(from + tokens - count + t, Number(layer))
      ])
    );
  const BATCHES = [
    ...batch(0, 4, { 0: 4, 1: 4, 2: 1 }),
    ...batch(4, 3, { 0: 3, 1: 3, 2: 1 }),
    ...batch(7, 1, { 0: 1, 1: 1, 2: 1 })
  ];
  const FORMS: [string, string, object][] = [
    [
      'phase,token,layer,rank,expert',
      `phase,token,layer,rank,expert\n${BATCHES.flatMap(([token, layer, own]) =>
        own.map((id, rank) =>
          [token < 7 ? 'prefill' : 'decode', token, layer, rank, id].join()
        )
      ).join('\n')}`,
      {}
    ],
    [
      'layer,expert',
      `layer,expert\n${BATCHES.flatMap(([, layer, own]) =>
        own.map(id => `${layer},${id}`)
      ).join('\n')}`,
      { topK: 2 }
    ],
    [
      'pos,layer,id0,id1',
      BATCHES.map(([token, layer, own]) =>
        [token < 7 ? token - 7 : token - 7, layer, ...own].join()
      ).join('\n'),
      {}
    ]
  ];
  const range = (count: number): number[] => [...Array(count).keys()];

  it.each(FORMS)('is left out of %s, with a note', async (_, text, options) => {
    const { report, trace } = await imported(
      'llamacpp',
      fileOf('a.csv', text),
      options
    );
    expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([0, 1]);
    expect(trace.samples[0].tokens).toHaveLength(8);
    for (const layer of [0, 1]) {
      expect(idsOf(trace, layer)).toEqual(range(8).map(t => ids(t, layer)));
    }
    expect(report.notes.join('\n')).toMatch(
      /layer 2 is left out: llama\.cpp runs the last layer only for tokens whose output is asked for/
    );
  });

  it('is left out where the first batches have none of it', async () => {
    const rows = [
      ...batch(0, 3, { 0: 3, 5: 3 }),
      ...batch(3, 2, { 0: 2, 5: 2, 6: 1 })
    ];
    const { trace } = await imported(
      'llamacpp',
      fileOf(
        'a.csv',
        rows
          .map(([token, layer, own]) => [token, layer, ...own].join())
          .join('\n')
      )
    );
    expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([0, 5]);
    expect(idsOf(trace, 5)).toEqual(range(5).map(t => ids(t, 5)));
  });

  it('is told from a file that is cut off by the number of layers', async () => {
    const path = fileOf(
      'a.csv',
      batch(0, 3, { 0: 3, 1: 3, 2: 1 })
        .map(([token, layer, own]) => [token, layer, ...own].join())
        .join('\n')
    );
    await expect(imported('llamacpp', path)).rejects.toMatchObject(
      refusal(
        /batch 1: layer 2 has 1 tokens, but the batch's first has 3 \(.*lines 1 to 7\).*--layers/
      )
    );
    const { trace } = await imported('llamacpp', path, { layers: 3 });
    expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([0, 1]);
    await expect(
      imported('llamacpp', path, { layers: 9 })
    ).rejects.toMatchObject(refusal(/batch 1: layer 2 has 1 tokens/));
  });

  it.each<[string, [number, number, number[]][], RegExp]>([
    [
      'another layer with fewer tokens',
      batch(0, 3, { 0: 3, 1: 1, 2: 3 }),
      /batch 1: layer 1 has 1 tokens, but the batch's first has 3/
    ],
    [
      'a layer with more tokens',
      batch(0, 3, { 0: 2, 1: 3 }),
      /batch 1: layer 1 has 3 tokens, but the batch's first has 2/
    ],
    [
      'a layer that later batches lack',
      [...batch(0, 2, { 0: 2, 1: 2 }), ...batch(2, 1, { 0: 1 })],
      /batch 2: layer 1 is missing, which earlier ones have/
    ],
    [
      'a layer in the middle that begins later',
      [...batch(0, 2, { 0: 2, 2: 2 }), ...batch(2, 1, { 0: 1, 1: 1, 2: 1 })],
      /batch 2: layer 1 begins, which earlier ones have not/
    ],
    [
      'a last layer that has all tokens at first',
      [...batch(0, 2, { 0: 2, 1: 2 }), ...batch(2, 3, { 0: 3, 1: 1 })],
      /batch 2: layer 1 has 1 tokens, but the batch's first has 3 .*-b 1 -ub 1/
    ]
  ])('is no excuse for %s', async (_, rows, message) => {
    const path = fileOf(
      'a.csv',
      rows
        .map(([token, layer, own]) => [token, layer, ...own].join())
        .join('\n')
    );
    await expect(imported('llamacpp', path)).rejects.toMatchObject(
      refusal(message)
    );
  });
});

describe('rankings that a tracer copied without their stride', () => {
  const EXPERTS = 16;
  const K = 4;
  /** Whole rankings: the experts of each token by score, as argsort gives them. */
  function rankings(tokens: number, seed: number): number[][] {
    const random = randomNumbers(seed);
    return Array.from({ length: tokens }, () => {
      const scores = Array.from({ length: EXPERTS }, () => random());
      return [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
    });
  }
  /** @param read what the tracer makes of the rankings of a batch: ids by token */
  const file = (
    tokens: number,
    read: (all: number[][]) => number[][]
  ): string =>
    fileOf(
      'a.csv',
      `layer,expert\n${[0, 1, 2, 3]
        .flatMap(layer =>
          read(rankings(tokens, 7 * layer + 1))
            .flat()
            .map(id => `${layer},${id}`)
        )
        .join('\n')}`
    );
  const strided = (all: number[][]): number[][] =>
    all.map(ranking => ranking.slice(0, K));
  /** The bytes from the start of the view, as if its rows followed each other. */
  const contiguous = (all: number[][]): number[][] =>
    all.map((_, t) => all.flat().slice(t * K, (t + 1) * K));

  it.each([5, 12])('are refused: a batch of %i tokens', async tokens => {
    await expect(
      imported('llamacpp', file(tokens, contiguous), { topK: K })
    ).rejects.toMatchObject(
      refusal(
        /never share an expert: the ids are the whole ranking of 16 experts, cut into pieces of 4.*nb\[1\]/
      )
    );
    const { trace } = await imported('llamacpp', file(tokens, strided), {
      topK: K
    });
    expect(idsOf(trace, 3)).toEqual(strided(rankings(tokens, 22)));
  });

  it('are not seen where a program dealt the experts out, or there is too little to tell', async () => {
    const dealt = (all: number[][]): number[][] =>
      all.map((_, t) =>
        Array.from({ length: K }, (__, rank) => (K * t + rank) % EXPERTS)
      );
    for (const path of [file(12, dealt), file(2, contiguous)]) {
      const { trace } = await imported('llamacpp', path, { topK: K });
      expect(trace.samples[0].layers).toHaveLength(4);
    }
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
      'an id of more than 32 bits',
      'layer,expert\n0,4294967297\n',
      { topK: 1 },
      /"4294967297" is not a valid expert id \(.*line 2, column 3\)/
    ],
    [
      'an id of more than 32 bits that does not wrap to an expert',
      '0,0,1,99999999999\n',
      {},
      /"99999999999" is not a valid expert id/
    ],
    [
      'a layer of more than 32 bits',
      'layer,expert\n4294967296,1\n',
      { topK: 1 },
      /"4294967296" is not a valid layer/
    ],
    [
      'a negative weight',
      'layer,token,expert,weight\n0,0,3,0.75\n0,0,1,-0.25\n',
      {},
      /the weight -0\.25 is negative .*position 0, rank 1/
    ],
    [
      'too few ids to tell how many experts there are',
      'layer,expert\n0,-1\n0,-1\n0,-1\n0,0\n',
      { topK: 2 },
      /cannot select 2 of 1 experts, .*give --experts/
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
