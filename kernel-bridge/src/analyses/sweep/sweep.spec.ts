import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { tinyMoE } from '../../../test/tiny-moe';
import { oneByOne } from '../../../test/one-by-one';
import { SweepCancelled } from './sweep-result';

const LENGTHS = [6, 9, 9, 7, 12];
const prompts = LENGTHS.map((length, i) => ({
  id: `p${i}`,
  domain: i % 2 === 0 ? 'even' : 'odd',
  inputIds: Array.from({ length }, (_, t) => (i * 17 + t * t * 7 + 3) % 50)
}));
let model: MoEModel;

beforeAll(async () => {
  model = await loadModel(tinyMoE().save());
});
afterAll(() => model.dispose());

// Attention of this model has no causal mask: an ablation also changes the tokens before.
it('equals separate runs per ablation, domain by domain', async () => {
  const result = await model.sweep(prompts, { mode: 'drop' });
  expect(result.rows.map(({ layer, expert }) => [layer, expert])).toEqual(
    [0, 1].flatMap(layer => [0, 1, 2, 3, 4, 5, 6, 7].map(e => [layer, e]))
  );
  const odd = prompts.filter(({ domain }) => domain === 'odd');
  for (const row of result.rows) {
    for (const [some, figures] of [
      [prompts, row],
      [odd, row.domains!.find(({ domain }) => domain === 'odd')!]
    ] as const) {
      const plain = [];
      for (const prompt of some) {
        plain.push(await model.trace(prompt, { logits: 'all' }));
      }
      const expected = await oneByOne(model, some, plain, row);
      expect(figures).toMatchObject({
        prompts: some.length,
        tokensAffected: expected.tokensAffected,
        tokensReached: expected.reached[1].positions
      });
      expect(figures.klMean).toBeCloseTo(expected.reached[1].klMean, 5);
      expect(figures.klLast).toBeCloseTo(expected.klLast, 5);
      expect(figures.deltaLogProb).toBeCloseTo(expected.deltaLogProb, 5);
      expect(figures.deltaRank).toBeCloseTo(expected.deltaRank, 5);
    }
  }
});

it('does not depend on the batch size', async () => {
  const [whole, single] = [
    await model.sweep(prompts, { batchSize: 64 }),
    await model.sweep(prompts, { batchSize: 1 })
  ];
  expect(whole.timing.batches).toBeLessThan(single.timing.batches);
  whole.rows.forEach((row, i) => {
    expect(row.klMean).toBeCloseTo(single.rows[i].klMean!, 5);
    expect(row.deltaLogProb).toBeCloseTo(single.rows[i].deltaLogProb!, 5);
  });
});

it('runs nothing without reach', async () => {
  const { selected } = (await model.trace([3])).samples[0].layers[0];
  const unused = [0, 1, 2, 3, 4, 5, 6, 7].find(e => !selected.includes(e))!;
  const { rows, timing } = await model.sweep([[3]], {
    layers: [0],
    experts: [unused]
  });
  expect(timing.runs).toBe(0);
  expect(rows).toMatchObject([
    {
      layer: 0,
      expert: unused,
      promptsReached: 0,
      tokensAffected: 0,
      klMean: 0,
      klLast: 0,
      deltaLogProb: 0,
      deltaRank: 0,
      tokens: []
    }
  ]);
});

it('compares a given token', async () => {
  const [prompt] = prompts;
  const plain = [await model.trace(prompt, { logits: 'all' })];
  const { rows } = await model.sweep(prompt, { target: 11, layers: [1] });
  for (const row of rows) {
    const expected = await oneByOne(model, [prompt], plain, row, 11);
    expect(row.deltaLogProb).toBeCloseTo(expected.deltaLogProb, 5);
    expect(row.deltaRank).toBe(expected.deltaRank);
  }
});

it('accepts experts of different layers', async () => {
  const { rows } = await model.sweep(prompts, {
    only: [
      { layer: 1, expert: 6 },
      { layer: 0, expert: 2 },
      { layer: 1, expert: 6 }
    ]
  });
  expect(rows.map(({ layer, expert }) => [layer, expert])).toEqual([
    [0, 2],
    [1, 6]
  ]);
});

it('reports the tokens with the largest change', async () => {
  const plain = [];
  for (const prompt of prompts) {
    plain.push(await model.trace(prompt, { logits: 'all' }));
  }
  const { rows } = await model.sweep(prompts, { keepTokens: 3 });
  expect(rows).toHaveLength(16);
  for (const row of rows) {
    const { kl: changes } = await oneByOne(model, prompts, plain, row);
    const largest = [...changes.values()].sort((a, b) => b - a);
    expect(row.tokens).toHaveLength(Math.min(3, row.tokensReached));
    row.tokens.forEach(({ prompt, position, kl }, rank) => {
      expect(kl).toBeCloseTo(largest[rank], 5);
      expect(kl).toBeCloseTo(changes.get(`${prompt}/${position}`)!, 5);
    });
    for (const { prompt, position, id } of row.tokens) {
      const own = prompts.find(other => other.id === prompt)!;
      expect(own.inputIds[position]).toBe(id);
    }
  }
});

it('displays as a chart, a document and a table', async () => {
  const result = await model.sweep(prompts, { layers: [1] });
  expect(result.toString().split('\n')).toHaveLength(2 + 8);
  expect(JSON.parse(JSON.stringify(result))).toMatchObject({
    schema: 'moe-debugger/sweep@1',
    mode: 'mask',
    prompts: 5,
    tokens: 43,
    done: 40,
    total: 40
  });
});

it('can be cancelled, keeps the results so far, and leaves the model usable', async () => {
  const stop = new AbortController();
  const seen: [number, number][] = [];
  const running = model.sweep(prompts, {
    batchSize: 2,
    signal: stop.signal,
    onProgress: ({ done, total, partial }) => {
      seen.push([done, total]);
      expect(partial().done).toBe(done);
      if (seen.length === 3) {
        stop.abort();
      }
    }
  });
  const error = await running.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SweepCancelled);
  const { partial } = error as SweepCancelled;
  expect(partial.complete).toBe(false);
  expect(partial.done).toBeGreaterThan(0);
  expect(partial.rows.length).toBeGreaterThan(0);
  const again = await model.sweep(prompts, { layers: [0] });
  expect(again.complete).toBe(true);
  const part = partial.rows.find(row => row.prompts === prompts.length);
  const whole = again.rows.find(
    row => row.layer === part?.layer && row.expert === part?.expert
  );
  if (part && whole) {
    expect(part.klMean).toBeCloseTo(whole.klMean!, 5);
  }
});

it('can return the results so far when cancelled', async () => {
  const stop = new AbortController();
  const result = await model.sweep(prompts, {
    signal: stop.signal,
    onCancel: 'return',
    onProgress: () => stop.abort()
  });
  expect(result.complete).toBe(false);
  stop.abort();
  await expect(
    model.sweep(prompts, { signal: stop.signal, onCancel: 'return' })
  ).rejects.toMatchObject({ code: 'cancelled' });
});

it.each([
  [{ layers: [7] }, 'input', /layer 7 has no router.*layer 0, layer 1/],
  [{ layers: [0], experts: [8] }, 'input', /no expert 8 \(layer 0\).*0 to 7/],
  [{ only: [{ layer: 5, expert: 0 }] }, 'input', /layer 5 has no router/],
  [{ layers: [] }, 'input', /no expert to ablate/],
  [{ only: [{ layer: 0, expert: 0 }], layers: [0] }, 'input', /both only/],
  [{ mode: 'swap' as 'mask' }, 'input', /cannot ablate by swap.*mask or drop/],
  [{ target: 50 }, 'input', /token id 50/],
  [{ target: 'word' }, 'tokenizer', /no tokenizer/],
  [{ target: [1, 2] }, 'input', /2 targets.*5 prompts/],
  [{ batchSize: 0 }, 'input', /batchSize cannot be 0/],
  [{ keepTokens: -1 }, 'input', /keepTokens cannot be -1/]
])('rejects %j before anything runs', async (options, code, message) => {
  await expect(model.sweep(prompts, options)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message)
  });
});

it('rejects a sweep that would leave a token too few experts', async () => {
  const all = await loadModel(tinyMoE({ experts: 2, topK: 2 }).save());
  await expect(all.sweep([[1, 2]])).rejects.toMatchObject({
    code: 'edit',
    message: expect.stringMatching(/layer 0/)
  });
  expect((await all.sweep([[1, 2]], { mode: 'drop' })).rows).toHaveLength(4);
  await all.dispose();
});

it('grows one row to one per expert, with the same results', async () => {
  const long = Array.from({ length: 40 }, (_, t) => (t * t * 7 + 3) % 50);
  const grown = await model.sweep([long], { mode: 'drop' });
  expect(grown.timing.batches).toBe(1);
  const single = await model.sweep([long], { mode: 'drop', batchSize: 1 });
  expect(grown.timing.runs).toBeGreaterThan(8);
  expect(single.timing.batches).toBe(grown.timing.runs);
  grown.rows.forEach((row, i) => {
    expect(row.klMean).toBeCloseTo(single.rows[i].klMean!, 5);
    expect(row.klLast).toBeCloseTo(single.rows[i].klLast!, 5);
    expect(row.deltaLogProb).toBeCloseTo(single.rows[i].deltaLogProb!, 5);
  });
});
