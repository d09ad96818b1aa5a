import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { onBytes } from '../../../test/byte-mutations';
import {
  fileOf,
  FIXTURES,
  idsOf,
  imported,
  refusal
} from '../../../test/imported';
import { npy } from '../../../test/npy';
import { temporaryFolder } from '../../../test/temporary';
import { writeSafetensors, type Nested } from '../../../test/safetensors-file';

const fixture = (name: string): string => join(FIXTURES, name);
const EXPERTS = 8;
/** The values that fixtures/import/make.py writes. */
const logit = (token: number, layer: number, expert: number): number =>
  Math.sin(token + 2 * layer + 3 * expert);
/** bfloat16 as make.py truncates it: the upper half of a float32. */
const cut = (value: number): number => {
  const word = new Uint32Array(Float32Array.of(value).buffer);
  word[0] &= 0xffff0000;
  return new Float32Array(word.buffer)[0];
};
const same = (value: number): number => value;

/** The two largest by a full sort, and their softmax: an independent computation. */
function best(
  token: number,
  layer: number,
  stored = same
): { ids: number[]; weights: number[] } {
  const ids = [...Array(EXPERTS).keys()]
    .sort(
      (a, b) => stored(logit(token, layer, b)) - stored(logit(token, layer, a))
    )
    .slice(0, 2);
  const exp = ids.map(id => Math.exp(stored(logit(token, layer, id))));
  return { ids, weights: exp.map(value => value / (exp[0] + exp[1])) };
}

describe('Hugging Face router logits', () => {
  it.each<[string, number, string, (value: number) => number]>([
    ['stacked.npy', 6, 'detected: logits', same],
    ['logits.safetensors', 6, 'detected: logits', cut],
    ['probabilities.npz', 3, 'detected: probabilities', same]
  ])('reads %s', async (name, digits, note, stored) => {
    const { report, trace } = await imported('hf', fixture(name), {
      topK: 2,
      renormalized: true
    });
    expect(report.notes.join('\n')).toContain(note);
    expect(trace.cards).toMatchObject([
      { layer: 0, experts: EXPERTS, topK: 2, renormalized: true },
      { layer: 1, experts: EXPERTS, topK: 2, renormalized: true }
    ]);
    for (const layer of [0, 1]) {
      const { weights, logits, logitsAre } = trace.layer(layer);
      expect(logitsAre).toBe(note.split(' ')[1]);
      for (let token = 0; token < 6; token++) {
        const expected = best(token, layer, stored);
        expect(idsOf(trace, layer)[token]).toEqual(expected.ids);
        expected.weights.forEach((weight, k) =>
          expect(weights[2 * token + k]).toBeCloseTo(weight, digits)
        );
      }
      expect(logits).toHaveLength(6 * EXPERTS);
    }
  });

  it('splits the batch and excludes masked tokens', async () => {
    const { trace } = await imported('hf', fixture('logits.npz'), {
      topK: 2,
      renormalized: true
    });
    expect(trace.samples.map(({ id, tokens }) => [id, tokens])).toEqual([
      ['logits/0', [20, 21, 22].map((id, position) => ({ position, id }))],
      // The first row is padding, which positions do not count.
      ['logits/1', [24, 25].map((id, position) => ({ position, id }))]
    ]);
    expect(idsOf(trace, 1, 1)).toEqual([best(4, 1).ids, best(5, 1).ids]);
    expect([...trace.layer(0, 1).logits.subarray(0, EXPERTS)]).toEqual(
      Array.from({ length: EXPERTS }, (_, e) => Math.fround(logit(4, 0, e)))
    );
  });

  it('reads encoder and decoder of a sequence as one sample', async () => {
    const rows = (from: number, to: number, layer: number): number[][] =>
      Array.from({ length: to - from }, (_, t) =>
        Array.from({ length: EXPERTS }, (__, e) => logit(from + t, layer, e))
      );
    const path = writeSafetensors({
      'encoder_router_logits.1': rows(0, 6, 0),
      'encoder_router_logits.3': rows(0, 6, 1),
      'decoder_router_logits.1': rows(2, 6, 2),
      attention_mask: [
        [1, 1, 0],
        [1, 1, 1]
      ],
      decoder_input_ids: [
        [7, 8],
        [9, 10]
      ]
    });
    const { trace } = await imported('hf', path, {
      topK: 2,
      renormalized: true
    });
    expect(trace.cards.map(({ layer, stack }) => [layer, stack])).toEqual([
      [1, 'encoder'],
      [3, 'encoder'],
      [1, 'decoder']
    ]);
    expect(trace.samples.map(({ tokens }) => tokens.map(t => t.id))).toEqual([
      [7, 8],
      [9, 10]
    ]);
    expect(
      trace.samples.map(({ encoderTokens }) => encoderTokens?.length)
    ).toEqual([2, 3]);
    // The second sequence: rows 3 to 5 of the encoder, 2 and 3 of the decoder.
    expect(
      trace.samples[1].layers.map(({ selected }) => [...selected])
    ).toEqual([
      [3, 4, 5].flatMap(t => best(t, 0).ids),
      [3, 4, 5].flatMap(t => best(t, 1).ids),
      [4, 5].flatMap(t => best(t, 2).ids)
    ]);
    await expect(
      imported(
        'hf',
        writeSafetensors({
          'encoder_router_logits.1': rows(0, 6, 0),
          'decoder_router_logits.1': rows(0, 4, 2),
          decoder_input_ids: [
            [7, 8],
            [9, 10]
          ]
        }),
        { topK: 2 }
      )
    ).rejects.toThrow(/encoder has 1 sequences, but the decoder has 2/);
  });

  it('has no weights if their rule is unknown, and reports it', async () => {
    const { report, trace } = await imported('hf', fixture('stacked.npy'), {
      topK: 1
    });
    expect(report.notes.join('\n')).toMatch(
      /weights are omitted.*: give --renormalized/
    );
    expect(trace.layer(0).weights).toHaveLength(0);
  });

  it('routes by config.json: groups, scale, layers without a router', async () => {
    const config = fileOf(
      'config.json',
      JSON.stringify({
        model_type: 'deepseek_v2',
        num_hidden_layers: 3,
        first_k_dense_replace: 1,
        n_routed_experts: EXPERTS,
        num_experts_per_tok: 2,
        n_group: 4,
        topk_group: 1,
        topk_method: 'group_limited_greedy',
        scoring_func: 'softmax',
        norm_topk_prob: false,
        routed_scaling_factor: 16,
        n_shared_experts: 2
      })
    );
    const { trace } = await imported('hf', fixture('stacked.npy'), { config });
    expect(trace.cards).toMatchObject([
      { layer: 0, moe: false },
      {
        layer: 1,
        groups: { count: 4, selected: 1, score: 'max' },
        scale: 16,
        sharedExperts: 2
      },
      { layer: 2 }
    ]);
    for (let token = 0; token < 6; token++) {
      // Of the four groups of two experts, the group with the best expert is selected as a whole.
      const top = best(token, 0).ids[0];
      expect(idsOf(trace, 1)[token][0]).toBe(top);
      expect(idsOf(trace, 1)[token][1]).toBe(top ^ 1);
      const sum = [...Array(EXPERTS).keys()].reduce(
        (s, e) => s + Math.exp(logit(token, 0, e)),
        0
      );
      expect(trace.layer(1).weights[2 * token]).toBeCloseTo(
        (16 * Math.exp(logit(token, 0, top))) / sum,
        4
      );
    }
  });

  it('gives tokens with NaN no experts', async () => {
    const { report, trace } = await imported(
      'hf',
      writeSafetensors({
        'router_logits.4': [
          [1, 2, 3],
          [NaN, 0, 1]
        ]
      }),
      { topK: 2, renormalized: true }
    );
    expect(idsOf(trace, 4)).toEqual([
      [2, 1],
      [-1, -1]
    ]);
    expect(report.notes.join('\n')).toMatch(/layer 4 has NaN/);
  });

  it('does not say what scores are when every row has NaN', async () => {
    const notesOf = async (rows: number[][]): Promise<string> => {
      const { report } = await imported(
        'hf',
        writeSafetensors({ 'router_logits.4': rows }),
        { topK: 1, renormalized: true }
      );
      return report.notes.join('\n');
    };
    const none = [NaN, NaN, NaN];
    const all = await notesOf([none, [0.5, 0.5, NaN]]);
    expect(all).toMatch(/assumed: logits, since every row has NaN/);
    expect(all).not.toMatch(/detected/);
    expect(await notesOf([none, [0.5, 0.25, 0.25]])).toMatch(
      /detected: probabilities, since all rows without NaN sum to 1/
    );
    expect(await notesOf([[NaN, 7, 0]])).toMatch(/detected: logits/);
  });

  it('refuses the number of a layer that no model has', async () => {
    await expect(
      imported(
        'hf',
        writeSafetensors({ 'model.layers.4294967299.mlp.gate': [[1, 2, 3]] }),
        { topK: 1, renormalized: true }
      )
    ).rejects.toMatchObject(refusal(/4294967299 .*is not that of a layer/));
  });

  it('selects the largest of any row', async () => {
    const rows = fc
      .record({ experts: fc.integer({ min: 1, max: 7 }), of: fc.nat() })
      .chain(({ experts, of }) =>
        fc.record({
          topK: fc.constant(1 + (of % experts)),
          rows: fc.array(
            fc.array(
              fc.integer({ min: -80, max: 80 }).map(quarters => quarters / 4),
              { minLength: experts, maxLength: experts }
            ),
            { minLength: 1, maxLength: 4 }
          )
        })
      );
    await fc.assert(
      fc.asyncProperty(rows, async ({ topK, rows: given }) => {
        const { trace } = await imported(
          'hf',
          writeSafetensors({ 'router_logits.0': given }),
          { topK, renormalized: true }
        );
        idsOf(trace, 0).forEach((ids, t) => {
          expect(new Set(ids).size).toBe(topK);
          const chosen = ids.map(id => given[t][id]).sort((a, b) => b - a);
          expect(chosen).toEqual(
            [...given[t]].sort((a, b) => b - a).slice(0, topK)
          );
        });
      }),
      { numRuns: 15 }
    );
  });
});

describe('positions', () => {
  const rows = (from: number, to: number): number[][] =>
    Array.from({ length: to - from }, (_, i) =>
      Array.from({ length: EXPERTS }, (_, e) => logit(from + i, 0, e))
    );

  it('do not count padding, on either side', async () => {
    const sides = [
      [0, 0, 1, 1],
      [1, 1, 0, 0]
    ];
    const traces = await Promise.all(
      sides.map(async mask => {
        const path = writeSafetensors({
          'router_logits.0': rows(0, 4),
          attention_mask: [mask]
        });
        return (await imported('hf', path, { topK: 2, renormalized: true }))
          .trace;
      })
    );
    expect(
      traces.map(trace => trace.samples[0].tokens.map(t => t.position))
    ).toEqual([
      [0, 1],
      [0, 1]
    ]);
    expect(traces.map(trace => idsOf(trace, 0))).toEqual([
      [2, 3].map(row => best(row, 0).ids),
      [0, 1].map(row => best(row, 0).ids)
    ]);
  });

  it('refuses an additive mask, whose zeros are the tokens that are kept', async () => {
    const path = writeSafetensors({
      'router_logits.0': rows(0, 4),
      attention_mask: [[0, 0, -1e9, -1e9]]
    });
    await expect(
      imported('hf', path, { topK: 2, renormalized: true })
    ).rejects.toThrow(
      /the attention mask has the value -1000000000 .*ones for tokens/
    );
  });
});

describe('layers by config.json', () => {
  const ROWS = [Array.from({ length: EXPERTS }, (_, e) => logit(0, 0, e))];
  const dump = (...names: string[]): string => {
    const path = writeSafetensors(
      Object.fromEntries(names.map(name => [name, ROWS]))
    );
    writeFileSync(
      join(dirname(path), 'config.json'),
      JSON.stringify({
        num_experts: EXPERTS,
        num_experts_per_tok: 2,
        num_hidden_layers: 4,
        mlp_only_layers: [0],
        norm_topk_prob: true
      })
    );
    return path;
  };

  it.each([
    [['layer_0', 'layer_1', 'layer_2']],
    [['router_logits_0', 'router_logits_1', 'router_logits_2']],
    [['model.layers.0.gate', 'model.layers.1.gate', 'model.layers.2.gate']]
  ])('number arrays that enumerate the routers: %j', async names => {
    const { report, trace } = await imported('hf', dump(...names));
    expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([
      1, 2, 3
    ]);
    expect(report.notes.join('\n')).toContain(
      'only those with a router: numbered by config.json'
    );
  });

  it('keep the numbers of blocks that have routers', async () => {
    const { trace } = await imported(
      'hf',
      dump('layer_1', 'layer_2', 'layer_3')
    );
    expect(trace.samples[0].layers.map(({ layer }) => layer)).toEqual([
      1, 2, 3
    ]);
  });

  it('refuse a dense block that an array names', async () => {
    await expect(
      imported('hf', dump('layer_0', 'layer_1'))
    ).rejects.toMatchObject(
      refusal(/layer 0 has no router by config.json.*3 blocks.*2 arrays/)
    );
  });

  it('say which layers the file lacks', async () => {
    const { report } = await imported('hf', dump('layer_1', 'layer_3'));
    expect(report.notes.join('\n')).toContain(
      'layers 2 have no routing in the file, but a router by config.json'
    );
  });
});

describe('a single array', () => {
  const row = (token: number, layer: number): number[] =>
    Array.from({ length: EXPERTS }, (_, e) => logit(token, layer, e));
  const range = (count: number): number[] => [...Array(count).keys()];
  /** [3 layers, 4 tokens, experts] */
  const stack = range(3).map(layer => range(4).map(t => row(t, layer)));
  /** One layer's [3 sequences, 4 tokens, experts] */
  const sequences = range(3).map(b => range(4).map(t => row(4 * b + t, 0)));
  const OPTIONS = { topK: 2, renormalized: true };
  const configured = (path: string, config: object): string => {
    writeFileSync(join(dirname(path), 'config.json'), JSON.stringify(config));
    return path;
  };
  const of = (name: string, array: Nested, more: object = {}): string =>
    writeSafetensors({ [name]: array, ...more });

  it.each<[string, () => string, object]>([
    ['an underlined version', () => of('router_logits_v2', stack), {}],
    ['the number of a model', () => of('qwen3_router_logits', stack), {}],
    ["numpy's name", () => of('arr_0', stack), {}],
    ['no number', () => of('router_logits', stack), {}],
    [
      'an index, and --layers',
      () => of('router_logits.0', stack),
      { layers: 3 }
    ],
    [
      'an index, and config.json',
      () =>
        configured(of('router_logits.1', stack), {
          num_hidden_layers: 4,
          mlp_only_layers: [0]
        }),
      {}
    ],
    [
      'an index, and ids of one sequence',
      () => of('router_logits.1', stack, { input_ids: [[1, 2, 3, 4]] }),
      {}
    ],
    [
      'the number of a layer, and a mask of one sequence',
      () => of('layer_1_router', stack, { attention_mask: [1, 1, 1, 1] }),
      {}
    ]
  ])('has all layers: %s', async (_, path, options) => {
    const { trace } = await imported('hf', path(), { ...OPTIONS, ...options });
    const layers = trace.samples[0].layers.map(({ layer }) => layer);
    expect(layers).toHaveLength(3);
    expect(trace.samples).toHaveLength(1);
    expect(layers.map(layer => idsOf(trace, layer))).toEqual(
      range(3).map(layer => range(4).map(t => best(t, layer).ids))
    );
  });

  it.each<[string, number, () => string, object]>([
    ['the number of a layer', 3, () => of('layer_3_router', sequences), {}],
    [
      'the number of a block',
      2,
      () => of('model.layers.2.mlp.gate', sequences),
      { layers: 3 }
    ],
    [
      'an index, and another number of layers',
      1,
      () => of('router_logits.1', sequences),
      { layers: 5 }
    ],
    [
      'no number, and ids of three sequences',
      0,
      () =>
        of('router_logits', sequences, {
          input_ids: range(3).map(b => range(4).map(t => 10 * b + t))
        }),
      {}
    ],
    [
      'a number, and flat ids of three sequences',
      7,
      () => of('gate_7', sequences, { input_ids: range(12) }),
      {}
    ]
  ])('is one layer: %s', async (_, layer, path, options) => {
    const { trace } = await imported('hf', path(), { ...OPTIONS, ...options });
    expect(trace.samples.map(sample => sample.tokens.length)).toEqual([
      4, 4, 4
    ]);
    expect(range(3).map(b => idsOf(trace, layer, b))).toEqual(
      range(3).map(b => range(4).map(t => best(4 * b + t, 0).ids))
    );
  });

  it('of four axes has all layers and sequences, whatever its name', async () => {
    const all = range(2).map(layer =>
      range(3).map(b => range(4).map(t => row(4 * b + t, layer)))
    );
    const { trace } = await imported('hf', of('layer_5_router', all), OPTIONS);
    expect(trace.samples).toHaveLength(3);
    expect(idsOf(trace, 1, 2)).toEqual(range(4).map(t => best(8 + t, 1).ids));
  });

  it('whose name may number a layer or not is refused', async () => {
    await expect(
      imported('hf', of('router_logits.1', stack), OPTIONS)
    ).rejects.toMatchObject(
      refusal(
        /the array \[3, 4, 8\] is 3 layers, or one layer of 3 sequences .*router_logits\.1.*--layers/
      )
    );
  });

  it('a run, of several, is not a layer', async () => {
    const path = configured(of('run1_router', stack, { run2_router: stack }), {
      num_hidden_layers: 3
    });
    await expect(imported('hf', path, OPTIONS)).rejects.toMatchObject(
      refusal(/each of the 2 arrays has 3 layers.*a file of its own/)
    );
  });
});

describe('sequences', () => {
  const rows = (from: number, to: number): number[][] =>
    Array.from({ length: to - from }, (_, i) =>
      Array.from({ length: EXPERTS }, (__, e) => logit(from + i, 0, e))
    );
  const two = [rows(0, 3), rows(3, 6)];
  const OPTIONS = { topK: 2, renormalized: true };

  it.each<[string, object]>([
    ['flat ids', { input_ids: [20, 21, 22, 23, 24, 25] }],
    ['ids of one row', { input_ids: [[20, 21, 22, 23, 24, 25]] }],
    [
      'flat ids and a flat mask',
      {
        input_ids: [20, 21, 22, 23, 24, 25],
        attention_mask: [1, 1, 1, 1, 1, 1]
      }
    ]
  ])('are those of the logits beside %s', async (_, more) => {
    const { trace } = await imported(
      'hf',
      writeSafetensors({ 'layer_0.router': two, ...more }),
      OPTIONS
    );
    expect(
      trace.samples.map(({ tokens }) => tokens.map(({ id }) => id))
    ).toEqual([
      [20, 21, 22],
      [23, 24, 25]
    ]);
    expect(idsOf(trace, 0, 1)).toEqual([3, 4, 5].map(t => best(t, 0).ids));
  });

  it('are those of the mask beside flat ids and logits', async () => {
    const { trace } = await imported(
      'hf',
      writeSafetensors({
        'layer_0.router': rows(0, 6),
        input_ids: [20, 21, 22, 23, 24, 25],
        attention_mask: [
          [0, 1, 1],
          [1, 1, 1]
        ]
      }),
      OPTIONS
    );
    expect(
      trace.samples.map(({ tokens }) => tokens.map(({ id }) => id))
    ).toEqual([
      [21, 22],
      [23, 24, 25]
    ]);
  });

  it('that differ are refused', async () => {
    await expect(
      imported(
        'hf',
        writeSafetensors({
          'layer_0.router': two,
          input_ids: [
            [20, 21],
            [22, 23],
            [24, 25]
          ]
        }),
        OPTIONS
      )
    ).rejects.toMatchObject(
      refusal(/has 3 sequences, but there are 2 by the other arrays.*input_ids/)
    );
    await expect(
      imported(
        'hf',
        writeSafetensors({
          'layer_0.router': two,
          'layer_1.router': [rows(0, 2), rows(2, 4), rows(4, 6)]
        }),
        OPTIONS
      )
    ).rejects.toMatchObject(refusal(/does not match \[2, 3, 8\]/));
  });

  it.each([
    [1.5, /1\.5 is not a token id \(.*array input_ids\[0, 1\]\)/],
    [NaN, /NaN is not a token id/],
    [Infinity, /Infinity is not a token id/]
  ])('with the token id %d are refused by name', async (id, message) => {
    await expect(
      imported(
        'hf',
        writeSafetensors({
          'layer_0.router': rows(0, 2),
          input_ids: [[1, id]]
        }),
        OPTIONS
      )
    ).rejects.toMatchObject(refusal(message));
  });

  it('with negative ids, which stand for images, have unknown tokens there, and say so', async () => {
    const { report, trace } = await imported(
      'hf',
      writeSafetensors({
        'layer_0.router': rows(0, 2),
        input_ids: [[5, -200]]
      }),
      OPTIONS
    );
    expect(trace.samples[0].tokens.map(({ id }) => id)).toEqual([5, -1]);
    expect(report.notes.join('\n')).toMatch(
      /input_ids has numbers that are no token's id, such as -200/
    );
  });
});

describe('a folder', () => {
  const row = (layer: number): number[][] => [
    Array.from({ length: EXPERTS }, (_, e) => logit(0, layer, e))
  ];
  const options = { topK: 2, renormalized: true };

  /** Files of a dump, by name. */
  function folderOf(files: Record<string, Record<string, number[][]>>): string {
    const folder = temporaryFolder();
    for (const [name, matrices] of Object.entries(files)) {
      renameSync(writeSafetensors(matrices), join(folder, name));
    }
    return folder;
  }

  it('of shards is one dump', async () => {
    const folder = folderOf({
      'dump-00002-of-00002.safetensors': { 'router_logits.1': row(1) },
      'dump-00001-of-00002.safetensors': { 'router_logits.0': row(0) }
    });
    const { trace } = await imported('hf', folder, options);
    expect(trace.samples.map(({ id }) => id)).toEqual(['dump']);
    expect([0, 1].map(layer => idsOf(trace, layer)[0])).toEqual(
      [0, 1].map(layer => best(0, layer).ids)
    );
  });

  it('that lacks a shard, and one shard alone, are refused', async () => {
    const folder = folderOf({
      'dump-00001-of-00003.safetensors': { 'router_logits.0': row(0) },
      'dump-00003-of-00003.safetensors': { 'router_logits.2': row(2) }
    });
    await expect(imported('hf', folder, options)).rejects.toMatchObject(
      refusal(/shard 2 of 3 is missing/)
    );
    const shard = join(folder, 'dump-00001-of-00003.safetensors');
    await expect(imported('hf', shard, options)).rejects.toMatchObject(
      refusal(/this is shard 1 of 3.*give the folder/)
    );
  });

  it('whose index names all files is one dump', async () => {
    const folder = folderOf({
      'a.safetensors': { 'router_logits.0': row(0) },
      'b.safetensors': { 'router_logits.1': row(1) }
    });
    writeFileSync(
      join(folder, 'dump.safetensors.index.json'),
      JSON.stringify({
        weight_map: {
          'router_logits.0': 'a.safetensors',
          'router_logits.1': 'b.safetensors'
        }
      })
    );
    const { trace } = await imported('hf', folder, options);
    expect(trace.samples).toHaveLength(1);
    expect([0, 1].map(layer => idsOf(trace, layer)[0])).toEqual(
      [0, 1].map(layer => best(0, layer).ids)
    );
  });

  it('whose index names several files refuses one of them', async () => {
    const folder = folderOf({ 'a.safetensors': { 'router_logits.0': row(0) } });
    writeFileSync(
      join(folder, 'dump.safetensors.index.json'),
      JSON.stringify({
        weight_map: {
          'router_logits.0': 'a.safetensors',
          'router_logits.1': 'b.safetensors'
        }
      })
    );
    await expect(
      imported('hf', join(folder, 'a.safetensors'), options)
    ).rejects.toMatchObject(refusal(/lists further files/));
    await expect(imported('hf', folder, options)).rejects.toMatchObject(
      refusal(/b\.safetensors is missing/)
    );
  });

  it('of an array a layer is one dump', async () => {
    const folder = temporaryFolder();
    [0, 1].forEach(layer =>
      writeFileSync(
        join(folder, `layer_${layer}.npy`),
        npy(
          '<f4',
          [1, EXPERTS],
          new Uint8Array(Float32Array.from(row(layer)[0]).buffer)
        )
      )
    );
    writeFileSync(
      join(folder, 'input_ids.npy'),
      npy('<i4', [1, 1], new Uint8Array(Int32Array.of(42).buffer))
    );
    const { trace } = await imported('hf', folder, options);
    expect(trace.samples).toHaveLength(1);
    expect(trace.samples[0].tokens).toEqual([{ position: 0, id: 42 }]);
    expect([0, 1].map(layer => idsOf(trace, layer)[0])).toEqual(
      [0, 1].map(layer => best(0, layer).ids)
    );
  });

  it('of dumps gives a sample a file', async () => {
    const folder = folderOf({
      'b.safetensors': { 'router_logits.0': row(0) },
      'c.safetensors': { 'router_logits.0': row(1) }
    });
    const { trace } = await imported('hf', folder, options);
    expect(trace.samples.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(idsOf(trace, 0, 1)).toEqual([best(0, 1).ids]);
  });

  it('without such files is refused', async () => {
    await expect(
      imported('hf', temporaryFolder(), options)
    ).rejects.toMatchObject(
      refusal(/the folder has no .safetensors, .npz or .npy files/)
    );
  });
});

describe('rejects inconsistent dumps', () => {
  const two = [
    [1, 2, 3],
    [4, 5, 6]
  ];
  it.each<[string, () => string, object, RegExp]>([
    [
      'no top-k',
      () => fixture('stacked.npy'),
      {},
      /does not say how many experts a token selects.*--top-k/
    ],
    [
      'a top-k above the experts',
      () => fixture('stacked.npy'),
      { topK: 9 },
      /cannot select 9 of 8/
    ],
    [
      'a different number of experts',
      () => fixture('stacked.npy'),
      { topK: 2, experts: 16 },
      /has 8 experts, but the model has 16/
    ],
    [
      'layers of different shapes',
      () =>
        writeSafetensors({
          'router_logits.0': two,
          'router_logits.1': [[1, 2, 3]]
        }),
      { topK: 1 },
      /array router_logits\.1.*|does not match/
    ],
    [
      'a layer twice',
      () => writeSafetensors({ 'a.router.1': two, 'b.router.1': two }),
      { topK: 1 },
      /layer 1 occurs twice/
    ],
    ['no floats', () => fixture('routed.npy'), { topK: 1 }, /no router logits/],
    [
      'a truncated dump',
      () =>
        fileOf(
          'x.safetensors',
          readFileSync(fixture('logits.safetensors')).subarray(0, -5)
        ),
      { topK: 1 },
      /array router_logits\.1.*|takes 96 bytes, but there are only 91/
    ]
  ])('%s', async (_, path, options, message) => {
    await expect(imported('hf', path(), options)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it('rejects a model that selects by a bias, which logits do not contain', async () => {
    const config = fileOf(
      'config.json',
      JSON.stringify({ model_type: 'deepseek_v3', num_experts_per_tok: 2 })
    );
    await expect(
      imported('hf', fixture('stacked.npy'), { config })
    ).rejects.toThrow(/adds a bias/);
  });

  it('a folder', async () => {
    await expect(imported('hf', FIXTURES, { topK: 1 })).rejects.toMatchObject({
      code: 'input'
    });
  });

  it.each(['logits.safetensors', 'logits.npz', 'stacked.npy'])(
    'rejects randomly changed bytes of %s, or reads other numbers',
    async name => {
      const original = readFileSync(fixture(name));
      let state = 7;
      const random = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      let refused = 0;
      for (let i = 0; i < 4; i++) {
        for (const mutate of Object.values(onBytes)) {
          const path = fileOf(name, mutate(Buffer.from(original), random));
          const outcome = await imported('hf', path, {
            topK: 2,
            renormalized: true
          }).then(
            () => undefined,
            (error: unknown) => error
          );
          if (outcome) {
            expect(outcome).toMatchObject({ code: 'input' });
            refused++;
          }
        }
      }
      expect(refused).toBeGreaterThan(8);
    }
  );
});
