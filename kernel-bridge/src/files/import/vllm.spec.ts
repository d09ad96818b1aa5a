import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onBytes } from '../../../test/byte-mutations';
import {
  fileOf,
  FIXTURES,
  idsOf,
  imported,
  madeIds
} from '../../../test/imported';
import { npy } from '../../../test/npy';
import { temporaryFolder } from '../../../test/temporary';
import { writeZip } from '../../../test/zip-writer';
import { diagnose } from '../../analyses/findings';
import { NO_TOKEN_ID } from '../../base/protocol';
import { importTrace } from './import-trace';

const fixture = (name: string): string => join(FIXTURES, name);
const TOKENS = [0, 1, 2, 3];

const bytes = (shape: number[], ids: number[]): Buffer =>
  npy('|i1', shape, Uint8Array.from(ids));

describe('vLLM', () => {
  it.each(['routed.npy', 'routed-big-endian.npy', 'routed-columns-first.npy'])(
    'reads %s, without the layer and the token that hold only zeros',
    async name => {
      const { report, trace } = await imported('vllm', fixture(name));
      expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([
        1, 2, 3
      ]);
      for (const layer of [1, 2, 3]) {
        expect(idsOf(trace, layer)).toEqual(
          TOKENS.map(token => madeIds(token, layer))
        );
      }
      expect(trace.samples[0].tokens).toEqual(
        TOKENS.map(position => ({ position, id: NO_TOKEN_ID }))
      );
      expect(trace.layer(1).weights).toHaveLength(0);
      expect(trace.known).toEqual({
        weights: false,
        logits: false,
        tokenIds: false,
        texts: false,
        domains: false
      });
      expect(
        diagnose(trace).findings.filter(({ severity }) => severity === 'error')
      ).toEqual([]);
      expect(report.notes.join('\n')).toMatch(
        /1 tokens have no routing \(padding\)[^]*layers 0 have no routing[^]*16 experts per layer, the largest id plus one[^]*no weights/
      );
    }
  );

  it('joins prompt and continuation of a response, with their token ids', async () => {
    const { trace } = await imported('vllm', fixture('response.npz'), {
      experts: 16
    });
    expect(trace.samples).toHaveLength(1);
    expect(idsOf(trace, 2)).toEqual(TOKENS.map(token => madeIds(token, 2)));
    expect(trace.samples[0].tokens.map(({ id }) => id)).toEqual([
      11, 12, 13, 14
    ]);
  });

  it('reads other arrays, and the files of a folder, as samples', async () => {
    const folder = temporaryFolder();
    copyFileSync(fixture('two.npz'), join(folder, 'request-10.npz'));
    copyFileSync(fixture('routed.npy'), join(folder, 'request-9.npy'));
    const { trace } = await imported('vllm', folder);
    expect(trace.samples.map(({ id, tokens }) => [id, tokens.length])).toEqual([
      ['request-9', 4],
      ['request-10/a', 4],
      ['request-10/b', 3]
    ]);
  });

  it("numbers layers by config.json if the array has only the routers' layers", async () => {
    const config = fileOf(
      'config.json',
      JSON.stringify({
        model_type: 'deepseek_v2',
        num_hidden_layers: 3,
        first_k_dense_replace: 1,
        n_routed_experts: 4,
        num_experts_per_tok: 1,
        _name_or_path: 'org/model'
      })
    );
    const { report, trace } = await imported(
      'vllm',
      fileOf('a.npy', bytes([2, 2, 1], [0, 3, 0, 1])),
      { config }
    );
    expect(report.model).toBe('org/model');
    expect(idsOf(trace, 1)).toEqual([[0], [0]]);
    expect(idsOf(trace, 2)).toEqual([[3], [1]]);
    expect(trace.cards.map(({ moe }) => moe)).toEqual([false, true, true]);
  });

  it('reads a sample in parts, without the whole in memory', async () => {
    const tokens = 10_000;
    const ids = Array.from({ length: tokens * 2 }, (_, i) => i % 7);
    const { trace } = await imported(
      'vllm',
      fileOf('long.npy', bytes([tokens, 1, 2], ids))
    );
    expect(trace.coverage.tokens).toBe(tokens);
    expect([...trace.layer(0).selected]).toEqual(ids);
  });

  it('supports one token, one expert, and top-k of all experts', async () => {
    const one = await imported('vllm', fileOf('a.npy', bytes([1, 1, 1], [0])));
    expect(one.report.layers).toEqual([{ layer: 0, experts: 1, topK: 1 }]);
    const all = await imported(
      'vllm',
      fileOf('a.npy', bytes([1, 1, 3], [2, 0, 1]))
    );
    expect(all.report.layers).toEqual([{ layer: 0, experts: 3, topK: 3 }]);
  });

  it('keeps a dropped expert as -1, and omits tokens of only -1', async () => {
    const { trace } = await imported(
      'vllm',
      fileOf('a.npy', bytes([3, 1, 2], [-1, -1, 2, -1, 0, 1]))
    );
    expect(idsOf(trace, 0)).toEqual([
      [2, -1],
      [0, 1]
    ]);
    expect(trace.samples[0].tokens.map(({ position }) => position)).toEqual([
      1, 2
    ]);
  });
});

describe('arrays as other programs keep them', () => {
  const ids = [3, 1, 2, 5];
  const routed = bytes([2, 1, 2], ids);
  const pairs = [
    [3, 1],
    [2, 5]
  ];

  it.each<[string, string, Buffer]>([
    ['gzipped', 'a.npy.gz', gzipSync(routed)],
    [
      'a gzipped archive',
      'a.npz.gz',
      gzipSync(readFileSync(fixture('named.npz')))
    ],
    [
      'whole floats',
      'a.npy',
      npy('<f4', [2, 1, 2], new Uint8Array(Float32Array.from(ids).buffer))
    ],
    [
      'whole floats of half precision',
      'a.npy',
      // 3, 1, 2 and 5 in IEEE 754 binary16.
      npy(
        '<f2',
        [2, 1, 2],
        new Uint8Array(Uint16Array.of(0x4200, 0x3c00, 0x4000, 0x4500).buffer)
      )
    ]
  ])('are read: %s', async (_, name, content) => {
    const { trace } = await imported('vllm', fileOf(name, content));
    expect(idsOf(trace, 0)).toEqual(pairs);
    expect(trace.samples.map(({ id }) => id)).toEqual(['a']);
  });

  it('are read beside texts and other shapes, which are named', async () => {
    const { report, trace } = await imported('vllm', fixture('named.npz'));
    expect(idsOf(trace, 0)).toEqual(pairs);
    expect(report.notes.join('\n')).toMatch(
      /arrays that are not ids of experts are left out: prompts, when, step/
    );
  });

  it('is told of arrays that are empty: a prompt was cached, or nothing generated', async () => {
    const entries = {
      prompt_routed_experts: npy('|u1', [0], Uint8Array.of()),
      routed_experts: bytes([2, 1, 2], [5, 1, 2, 7]),
      prompt_token_ids: npy(
        '<f8',
        [3],
        new Uint8Array(Float64Array.of(4, 9, -200).buffer)
      )
    };
    const path = fileOf(
      'a.npz',
      writeZip(
        Object.entries(entries).map(([name, data]) => ({
          name: `${name}.npy`,
          data
        }))
      )
    );
    const { report, trace } = await imported('vllm', path);
    expect(idsOf(trace, 0)).toEqual([
      [5, 1],
      [2, 7]
    ]);
    expect(trace.samples[0].tokens.map(({ id }) => id)).toEqual([4, 9]);
    expect(report.notes).toContain(
      'empty arrays are left out: prompt_routed_experts'
    );
  });

  it('refuses token ids that are not whole, by name', async () => {
    const path = fileOf(
      'a.npz',
      writeZip([
        { name: 'routed_experts.npy', data: bytes([1, 1, 2], [5, 1]) },
        {
          name: 'token_ids.npy',
          data: npy('<f8', [2], new Uint8Array(Float64Array.of(1, 2.5).buffer))
        }
      ])
    );
    await expect(imported('vllm', path)).rejects.toThrow(
      /2\.5 is not a token id \(.*array token_ids\[1\]\)/
    );
  });

  it('a gzipped file that is cut off is refused', async () => {
    const path = fileOf('a.npy.gz', gzipSync(routed).subarray(0, -12));
    await expect(imported('vllm', path)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/cannot be unpacked.*a\.npy\.gz/) as string
    });
  });
});

describe('damaged arrays are rejected with their index', () => {
  const shaped = bytes([2, 1, 2], [0, 1, 2, 3]);
  it.each<[string, Uint8Array, object, RegExp]>([
    [
      'an invalid expert',
      shaped,
      { experts: 3 },
      /invalid expert 3: the model has 3 \(.*\[1, 0, 1\]\)/
    ],
    [
      'an int64 id above 32 bits',
      npy(
        '<i8',
        [1, 1, 2],
        new Uint8Array(BigInt64Array.of(4294967297n, 2n).buffer)
      ),
      {},
      /invalid expert 4294967297 \(.*\[0, 0, 0\]\)/
    ],
    [
      'a float64 id above 32 bits',
      npy(
        '<f8',
        [1, 1, 2],
        new Uint8Array(Float64Array.of(1, 2 + 2 ** 32).buffer)
      ),
      {},
      /invalid expert 4294967298 \(.*\[0, 0, 1\]\)/
    ],
    [
      'too few ids to tell how many experts there are',
      bytes([1, 1, 2], [-1, 0]),
      {},
      /cannot select 2 of 1 experts, .*give --experts/
    ],
    [
      'an expert below -1',
      bytes([1, 1, 2], [0, -2]),
      {},
      /invalid expert -2 \(.*\[0, 0, 1\]\)/
    ],
    [
      'an expert twice',
      bytes([2, 1, 2], [0, 1, 3, 3]),
      {},
      /expert 3 twice \(.*\[1, 0, 1\]\)/
    ],
    [
      'another k',
      shaped,
      { topK: 4 },
      /has 2 experts per token, but the model selects 4/
    ],
    [
      'two axes',
      bytes([2, 2], [0, 1, 2, 3]),
      {},
      /\[2, 2\] of integers is not \[tokens, layers, top-k\]/
    ],
    [
      'fractions',
      npy('<f4', [1, 1, 2], new Uint8Array(Float32Array.of(1, 0.5).buffer)),
      {},
      /0.5 is not an expert id \(.*\[0, 0, 1\]/
    ],
    ['no tokens', bytes([0, 1, 2], []), {}, /no tokens/],
    ['padding only', bytes([2, 1, 2], [0, 0, -1, -1]), {}, /no tokens/],
    [
      'missing bytes',
      shaped.subarray(0, -1),
      {},
      /takes 4 bytes, but there are only 3/
    ],
    [
      'a truncated header',
      shaped.subarray(0, 30),
      {},
      /truncated within its header/
    ],
    [
      'a shape without end',
      npy('|i1', [99999, 99999, 99999], new Uint8Array(8)),
      {},
      /takes 999970000299999 bytes/
    ],
    [
      'Python objects',
      readFileSync(fixture('objects.npy')),
      {},
      /the array has an unsupported type/
    ],
    [
      'another number of layers',
      shaped,
      { layers: 7 },
      /1 layers, but the model has 7/
    ],
    [
      'text',
      Buffer.from('hello, world'),
      {},
      /not \.npy, \.npz or safetensors/
    ],
    ['nothing', Buffer.alloc(0), {}, /not \.npy, \.npz or safetensors/]
  ])('%s', async (_, content, options, message) => {
    await expect(
      imported('vllm', fileOf('a.npy', content), options)
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it.each(['response.npz', 'two.npz'])(
    'randomly changed bytes of %s',
    async name => {
      const original = readFileSync(fixture(name));
      let state = 99;
      const random = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      let refused = 0;
      for (let i = 0; i < 5; i++) {
        for (const mutate of Object.values(onBytes)) {
          const path = fileOf('a.npz', mutate(Buffer.from(original), random));
          const outcome = await imported('vllm', path).then(
            () => undefined,
            (error: unknown) => error
          );
          if (outcome) {
            expect(outcome).toMatchObject({ code: 'input' });
            refused++;
          }
        }
      }
      // Bytes between the entries, and times and attributes, do not matter.
      expect(refused).toBeGreaterThan(25);
    }
  );
});

it('lets timers fire during an import', async () => {
  // 12,000 tokens in one part after the other, for some seconds.
  const tokens = 12_000;
  const [layers, topK] = [8, 4];
  const ids = Uint8Array.from(
    { length: tokens * layers * topK },
    (_, i) => (i % topK) + 1
  );
  const path = fileOf('long.npy', npy('|u1', [tokens, layers, topK], ids));
  let last = performance.now();
  let longest = 0;
  const tick = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(tick, 5);
  const begin = performance.now();
  await importTrace('vllm', path, {
    out: join(temporaryFolder(), 'out.parquet')
  });
  const took = performance.now() - begin;
  clearInterval(timer);
  tick();
  // A chunk of rows takes some tens of milliseconds; without pauses, a part of 4096 tokens blocks for seconds.
  expect(longest).toBeLessThan(took / 5);
});
