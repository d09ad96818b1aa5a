import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  fileOf,
  FIXTURES,
  idsOf,
  imported,
  refusal
} from '../../../test/imported';
import { npy } from '../../../test/npy';
import type { RoutingTrace } from '../../run/trace/routing-trace';

const fixture = (name: string): string => join(FIXTURES, 'served', name);
const BOTH = ['vllm', 'sglang'] as const;

/** Ids of a token at a position, which depend on the text before it as a model's do. */
const id = (position: number, layer: number, rank: number): number =>
  (5 * position + 3 * layer + 7 * rank + 1) % 16;
const LAYERS = 2;
const K = 2;

function rows(from: number, to: number): number[] {
  const ids: number[] = [];
  for (let position = from; position < to; position++) {
    for (let layer = 0; layer < LAYERS; layer++) {
      ids.push(id(position, layer, 0), id(position, layer, 1));
    }
  }
  return ids;
}

/** As vLLM encodes it. */
const blob = (from: number, to: number): string =>
  npy('|u1', [to - from, LAYERS, K], Uint8Array.from(rows(from, to))).toString(
    'base64'
  );
/** As SGLang encodes it. */
const bare = (from: number, to: number): string =>
  Buffer.from(Int32Array.from(rows(from, to)).buffer).toString('base64');
const tokens = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => 100 + from + i);

/** A completion of tokens 0 to `end`; the last token was not run. */
const turn = (prompt: number, end: number, more: object = {}): object => ({
  choices: [
    {
      prompt_token_ids: tokens(0, prompt),
      token_ids: tokens(prompt, end),
      routed_experts: blob(0, end - 1),
      ...more
    }
  ]
});
const lines = (...responses: object[]): string =>
  fileOf('x.jsonl', responses.map(r => JSON.stringify(r)).join('\n'));

const positions = (trace: RoutingTrace): number[][] =>
  trace.samples.map(sample => sample.tokens.map(({ position }) => position));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);
const idsAt = (trace: RoutingTrace, sample: number): number[][] =>
  trace.samples[sample].tokens.map(({ position }) => [
    id(position, 1, 0),
    id(position, 1, 1)
  ]);

describe('responses of vLLM', () => {
  it.each(BOTH)(
    'are read by import %s, with what NumPy wrote',
    async format => {
      const { trace } = await imported(format, fixture('vllm-response.json'));
      const [choice] = (
        JSON.parse(readFileSync(fixture('vllm-response.json'), 'utf8')) as {
          choices: { routed_experts: string }[];
        }
      ).choices;
      // After the header, NumPy's bytes are the ids of [11 tokens, 3 layers, 2].
      const raw = Buffer.from(choice.routed_experts, 'base64').subarray(-66);
      for (const layer of [0, 1, 2]) {
        expect(idsOf(trace, layer)).toEqual(
          range(0, 11).map(t => [
            ...raw.subarray(6 * t + 2 * layer).subarray(0, 2)
          ])
        );
      }
      expect(trace.samples[0].tokens.map(token => token.id)).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3
      ]);
    }
  );

  it('are read as the bare field, and in forms of other versions and gateways', async () => {
    const forms: object[] = [
      // The prompt's part beside the choices.
      {
        prompt_routed_experts: blob(0, 3),
        choices: [{ routed_experts: blob(3, 5) }]
      },
      { choices: [{ routed_experts: { data: bare(0, 5), shape: [5, 2, 2] } }] },
      {
        choices: [
          {
            routed_experts: range(0, 5).map(p =>
              [0, 1].map(l => [id(p, l, 0), id(p, l, 1)])
            )
          }
        ]
      },
      // OpenAI's batch files.
      { response: { body: turn(3, 6) } },
      { choices: [{ message: {}, sglext: { routed_experts: blob(0, 5) } }] }
    ];
    const files = forms.map(form => lines(form));
    files.push(fileOf('x.txt', blob(0, 5)));
    const read = await Promise.all(
      files.map(async file => (await imported('vllm', file)).trace)
    );
    expect(read.map(trace => idsOf(trace, 1))).toEqual(
      files.map((_, i) => idsAt(read[i], 0))
    );
    expect(read.map(positions)).toEqual(files.map(() => [range(0, 5)]));
  });

  it('without the ids of the prompt have no token ids: those of the answer may be as many by chance', async () => {
    const { trace } = await imported(
      'vllm',
      lines({
        choices: [{ token_ids: tokens(1, 6), routed_experts: blob(0, 5) }]
      })
    );
    expect(trace.samples[0].tokens.map(token => token.id)).toEqual(
      Array(5).fill(-1)
    );
    expect(idsOf(trace, 1)).toEqual(idsAt(trace, 0));
  });

  it('are refused where the field is not base64 to its end', async () => {
    const field = (routed_experts: string) =>
      lines({ choices: [{ routed_experts }] });
    for (const tail of ['====', '~', 'A=A']) {
      await expect(
        imported('vllm', field(blob(0, 5) + tail))
      ).rejects.toMatchObject(refusal(/routed_experts is not base64/));
    }
  });

  it('are refused where the options contradict each other', async () => {
    await expect(
      imported('vllm', lines(turn(3, 6)), { experts: 2, topK: 3 })
    ).rejects.toMatchObject(refusal(/cannot select 3 of 2 experts/));
  });

  it('whose bytes are more than the shape needs are refused', async () => {
    const file = lines({
      choices: [{ routed_experts: { data: bare(0, 5), shape: [3, 2, 2] } }]
    });
    await expect(imported('vllm', file)).rejects.toThrow(
      /routed_experts has \d+ bytes, but its shape \[3, 2, 2\]/
    );
  });

  it('that have no routing are refused', async () => {
    await expect(
      imported('vllm', lines({ choices: [{ routed_experts: null }] }))
    ).rejects.toMatchObject(refusal(/no routed experts/));
  });

  it('with more routing than tokens are refused: the shape was misread', async () => {
    const response = {
      meta_info: {
        routed_experts: bare(0, 8),
        prompt_tokens: 4,
        completion_tokens: 5
      }
    };
    const shape = { layers: 1, topK: 2 };
    await expect(
      imported('sglang', lines(response), shape)
    ).rejects.toMatchObject(
      refusal(/16 tokens, but the response has 9.*--layers/)
    );
  });
});

describe('a field alone', () => {
  const shape = { layers: LAYERS, topK: K };
  const urlSafe = (text: string): string =>
    text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  /** Three requests with different routing, of 5, 4 and 6 tokens. */
  const SPANS: [number, number][] = [
    [0, 5],
    [20, 24],
    [40, 46]
  ];
  const each = (encode: (from: number, to: number) => string): string =>
    SPANS.map(span => encode(...span)).join('\n');
  const lists = (from: number, to: number): number[][][] =>
    range(from, to).map(p => [0, 1].map(l => [id(p, l, 0), id(p, l, 1)]));
  const wrapped = (text: string, columns: number): string =>
    text.match(new RegExp(`.{1,${columns}}`, 'g'))!.join('\n');

  it.each<[string, string]>([
    ['base64 of elements', each(bare)],
    ['base64 of .npy', each(blob)],
    ['base64url', each((from, to) => urlSafe(blob(from, to)))],
    ['blank lines between', each(blob).replaceAll('\n', '\n\n')],
    ['JSON texts', each((from, to) => JSON.stringify(blob(from, to)))],
    ['nested lists', each((from, to) => JSON.stringify(lists(from, to)))],
    [
      'lists of responses',
      each((from, to) =>
        JSON.stringify([{ meta_info: { routed_experts: bare(from, to) } }])
      )
    ],
    [
      'lists of texts',
      `${JSON.stringify([blob(0, 5), blob(20, 24)])}\n${JSON.stringify([blob(40, 46)])}`
    ]
  ])('is one a line: %s', async (_, text) => {
    const { trace } = await imported('sglang', fileOf('x.txt', text), shape);
    expect(trace.samples.map(({ id: name }) => name)).toEqual([
      'x',
      'x/1',
      'x/2'
    ]);
    expect(SPANS.map((__, i) => idsOf(trace, 1, i))).toEqual(
      SPANS.map(span => range(...span).map(p => [id(p, 1, 0), id(p, 1, 1)]))
    );
  });

  it.each<[string, string]>([
    ['76 columns', wrapped(bare(0, 40), 76)],
    ['76 columns, of an .npy', wrapped(blob(0, 40), 76)],
    ['64 columns, of an .npy', wrapped(blob(0, 40), 64)],
    ['50 columns', wrapped(bare(0, 40), 50)],
    ['base64url without line ends', urlSafe(bare(0, 40))],
    ['a list over several lines', JSON.stringify(lists(0, 40), undefined, 1)]
  ])('is one over several lines: %s', async (_, text) => {
    const { trace } = await imported('sglang', fileOf('x.txt', text), shape);
    expect(positions(trace)).toEqual([range(0, 40)]);
    expect(idsOf(trace, 1)).toEqual(idsAt(trace, 0));
  });

  it('is refused where its lines may be one text or several', async () => {
    // 3 tokens are 48 bytes, which are 64 characters: a line of a text that is broken there.
    const text = `${bare(0, 3)}\n${bare(9, 12)}\n`;
    expect(bare(0, 3)).toHaveLength(64);
    await expect(
      imported('sglang', fileOf('x.txt', text), shape)
    ).rejects.toMatchObject(
      refusal(/each line may be the ids of a request, or all lines.*line 1/)
    );
  });

  it('is refused where its first line is cut off', async () => {
    const text = `${bare(0, 5).slice(0, -24)}\n${bare(20, 28)}\n`;
    await expect(
      imported('sglang', fileOf('x.txt', text), shape)
    ).rejects.toMatchObject(
      refusal(/the lines are not one base64 text.*line 1/)
    );
  });

  it('is refused in both alphabets at once, and with a long run of blanks at once', async () => {
    const started = performance.now();
    for (const text of ['ab+c-d==', `A${'\n'.repeat(200_000)}!`]) {
      await expect(
        imported('sglang', fileOf('x.txt', text), shape)
      ).rejects.toMatchObject(refusal(/neither JSON nor base64/));
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('an empty field', () => {
  const EMPTY = [[], '', [[]], { data: '', shape: [0, 2, 2] }, blob(0, 0)];

  it('of a choice is left out, with a note', async () => {
    const { report, trace } = await imported(
      'vllm',
      lines(
        turn(3, 6),
        ...EMPTY.map(routed_experts => ({ choices: [{ routed_experts }] })),
        {
          choices: [
            { routed_experts: [] },
            {
              routed_experts: range(20, 25).map(p =>
                [0, 1].map(l => [id(p, l, 0), id(p, l, 1)])
              )
            }
          ]
        },
        { error: { message: 'overloaded' } }
      )
    );
    expect(positions(trace)).toEqual([range(0, 5), range(0, 5)]);
    expect(idsOf(trace, 1)).toEqual(idsAt(trace, 0));
    expect(idsOf(trace, 1, 1)).toEqual(
      range(20, 25).map(p => [id(p, 1, 0), id(p, 1, 1)])
    );
    expect(report.notes).toContain(
      'x.jsonl: 6 requests have an empty routed_experts and are left out, the first in line 2'
    );
    expect(report.notes).toContain(
      'x.jsonl: 1 requests have no routed_experts and are left out, the first in line 8'
    );
  });

  it('of a prompt or of a continuation leaves the other', async () => {
    for (const response of [
      { prompt_routed_experts: [], choices: [{ routed_experts: blob(0, 4) }] },
      { prompt_routed_experts: blob(0, 4), choices: [{ routed_experts: '' }] }
    ]) {
      const { trace } = await imported('vllm', lines(response));
      expect(positions(trace)).toEqual([range(0, 4)]);
    }
  });

  it('of all requests is refused', async () => {
    await expect(
      imported('vllm', lines({ choices: [{ routed_experts: [] }] }))
    ).rejects.toMatchObject(refusal(/no routed experts|no tokens/));
  });
});

describe('several turns', () => {
  it('are one sample, each token once', async () => {
    const { report, trace } = await imported(
      'vllm',
      lines(turn(3, 6), turn(8, 10), turn(12, 15))
    );
    expect(positions(trace)).toEqual([range(0, 14)]);
    expect(idsOf(trace, 1)).toEqual(idsAt(trace, 0));
    expect(trace.samples[0].tokens.map(token => token.id)).toEqual(
      tokens(0, 14)
    );
    expect(report).toMatchObject({ samples: 1, tokens: 14, slots: 56 });
    expect(report.notes.join('\n')).toMatch(/further turns.*counted once/);
  });

  it('are told by their routing where the response has no token ids', async () => {
    const plain = (end: number): object => ({
      choices: [{ routed_experts: blob(0, end) }]
    });
    const { trace } = await imported('vllm', lines(plain(5), plain(9)));
    expect(positions(trace)).toEqual([range(0, 9)]);
    expect(idsOf(trace, 1)).toEqual(idsAt(trace, 0));
  });

  it('that alternate with another conversation are further samples of new tokens', async () => {
    const other = {
      choices: [
        {
          prompt_token_ids: [7, 8],
          token_ids: [9, 10],
          routed_experts: blob(0, 3)
        }
      ]
    };
    const { trace } = await imported(
      'vllm',
      lines(turn(3, 6), other, turn(8, 10))
    );
    expect(positions(trace)).toEqual([range(0, 5), range(0, 3), range(5, 9)]);
    expect(idsOf(trace, 1, 2)).toEqual(idsAt(trace, 2));
  });

  it('that were asked for later tokens only keep their positions', async () => {
    const later = turn(8, 10, { routed_experts: blob(5, 9) });
    const { trace } = await imported('vllm', lines(turn(3, 6), later));
    expect(positions(trace)).toEqual([range(0, 9)]);
    expect(idsOf(trace, 1)).toEqual(idsAt(trace, 0));
    const alone = await imported('vllm', lines(later));
    expect(positions(alone.trace)).toEqual([range(5, 9)]);
    expect(alone.trace.samples[0].tokens[0].id).toBe(105);
  });

  it('of SGLang are told alike', async () => {
    const answer = (prompt: number, end: number): object => ({
      output_ids: tokens(prompt, end),
      prompt_token_ids: tokens(0, prompt),
      meta_info: { routed_experts: bare(0, end - 1), prompt_tokens: prompt }
    });
    const { trace } = await imported(
      'sglang',
      lines(answer(3, 6), answer(7, 9)),
      { layers: LAYERS, topK: K }
    );
    expect(positions(trace)).toEqual([range(0, 8)]);
  });

  it('are not made of requests that only begin alike, or are repeated', async () => {
    // The second has another text after its second token; the third is the first again.
    const different = turn(3, 6, {
      prompt_token_ids: [100, 101, 999],
      routed_experts: blob(0, 5)
    });
    const { trace } = await imported(
      'vllm',
      lines(turn(3, 6), different, turn(3, 6))
    );
    expect(positions(trace)).toEqual([range(0, 5), range(0, 5), range(0, 5)]);
  });
});

it('counts the prompt of several choices once', async () => {
  const choice = (end: number, first: number): object => ({
    token_ids: [first, ...tokens(5, end)],
    routed_experts: blob(0, end - 1)
  });
  const { trace } = await imported(
    'vllm',
    lines({
      prompt_token_ids: tokens(0, 4),
      choices: [choice(8, 1), choice(7, 2)]
    })
  );
  expect(positions(trace)).toEqual([range(0, 7), range(4, 6)]);
  expect(idsOf(trace, 1, 1)).toEqual(idsAt(trace, 1));
});

describe('experts without work', () => {
  it.each(BOTH)('are counted by config.json in import %s', async format => {
    const { trace } = await imported(format, fixture('zero-experts.jsonl'), {
      config: fixture('zero-experts-config.json')
    });
    expect(trace.cards).toMatchObject([
      { layer: 0, experts: 10, topK: 3 },
      { layer: 1, experts: 10, topK: 3 }
    ]);
    const response = JSON.parse(
      readFileSync(fixture('zero-experts.jsonl'), 'utf8')
    ) as { meta_info: { routed_experts: string } };
    const raw = Buffer.from(response.meta_info.routed_experts, 'base64');
    expect(idsOf(trace, 1)).toEqual(
      range(0, 20).map(t =>
        range(0, 3).map(k => raw.readInt32LE(4 * (6 * t + 3 + k)))
      )
    );
  });

  it.each([
    {
      moe_num_zero_experts: 1,
      moe_num_copy_experts: 1,
      moe_num_constant_experts: 2
    },
    { num_null_experts: 4 },
    { n_zero_experts: 4 }
  ])('have other names in other configurations: %j', async more => {
    const path = lines({ choices: [{ routed_experts: blob(0, 5) }] });
    writeFileSync(
      join(dirname(path), 'config.json'),
      `\ufeff${JSON.stringify({ num_experts: 12, num_experts_per_tok: 2, num_hidden_layers: 2, ...more })}`
    );
    const { trace } = await imported('vllm', path);
    expect(trace.cards).toMatchObject([{ experts: 16 }, { experts: 16 }]);
  });
});

it('reads a folder of responses, and not the config.json in it', async () => {
  const path = lines(turn(3, 6));
  writeFileSync(
    join(dirname(path), 'config.json'),
    JSON.stringify({ num_experts: 16, num_experts_per_tok: 2 })
  );
  const { trace } = await imported('sglang', dirname(path));
  expect(trace.samples.map(sample => sample.id)).toEqual(['x']);
  expect(trace.cards).toMatchObject([{ experts: 16 }, { experts: 16 }]);
});
