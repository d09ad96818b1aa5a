/** Profiles of models that are written here and of the demo, and what is made of onnxruntime's own events. */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel } from '../..';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { DEMO } from '../../../test/zoo';
import { ownPrefix } from '../../base/own-leftovers';
import { decodeProfile } from '../../base/protocol';
import { readStructure } from '../../run/model/structure';
import { bottlenecks } from './bottlenecks';
import { nameNodes } from './node-names';
import { nodePlaces, placeOf } from './node-parts';
import { readProfile, runsOf } from './read-profile';

const node = (name: string, ts: number, dur: number, op = 'MatMul') => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { op_name: op, output_size: '64' }
});
const run = (ts: number, dur: number) => ({
  cat: 'Session',
  name: 'model_run',
  ts,
  dur
});

describe('the profile of onnxruntime', () => {
  it('is read run by run, in the order of time', () => {
    const runs = runsOf([
      { cat: 'Session', name: 'session_initialization', ts: 0, dur: 90 },
      node('b', 130, 5, 'Add'),
      node('a', 110, 10),
      run(100, 50),
      run(200, 20),
      node('a', 205, 7),
      { cat: 'Node', name: 'a_fence_before', ts: 111, dur: 1 },
      { cat: 'Node', ts: 'x' }
    ]);
    expect(runs).toEqual([
      {
        duration: 50,
        nodes: [
          { name: 'a', op: 'MatMul', start: 10, duration: 10, written: 64 },
          { name: 'b', op: 'Add', start: 30, duration: 5, written: 64 }
        ]
      },
      {
        duration: 20,
        nodes: [{ name: 'a', op: 'MatMul', start: 5, duration: 7, written: 64 }]
      }
    ]);
  });

  it('that cannot be read is an error that says so', () => {
    const file = join(temporaryFolder(), 'none.json');
    expect(() => readProfile(file)).toThrow(/profile of onnxruntime/);
  });
});

describe('bottlenecks', () => {
  const row = (
    place: string,
    part: 'experts' | 'router' | 'dispatch' | 'attention',
    op: string,
    milliseconds: number
  ) => ({ place, part, op, milliseconds, calls: 2 });

  it('name routing beside experts, the largest operator and a slow layer', () => {
    const said = bottlenecks({
      between: 0,
      rows: [
        row('layer 0', 'experts', 'MatMul', 10),
        row('layer 0', 'dispatch', 'Gather', 5),
        row('layer 1', 'experts', 'MatMul', 10),
        row('layer 1', 'router', 'TopK', 5),
        row('layer 2', 'experts', 'MatMul', 60),
        row('layer 2', 'dispatch', 'Gather', 10)
      ]
    });
    expect(said).toEqual([
      'routing takes 20 % beside 80 % in experts: Gather, TopK',
      'MatMul takes 80 %, in 6 nodes',
      'layer 2 takes 70 %, 4.7 times the median of the layers'
    ]);
  });

  it('name conversions that no operator alone makes up', () => {
    const rows = [
      row('layer 0', 'attention', 'MatMul', 80),
      row('layer 0', 'attention', 'DequantizeLinear', 8),
      row('layer 0', 'attention', 'Cast', 8),
      row('layer 0', 'attention', 'DynamicQuantizeLinear', 4)
    ];
    expect(bottlenecks({ between: 0, rows })).toEqual([
      'MatMul takes 80 %, in 2 nodes',
      'turning stored integers into numbers, and casts, take 20 %'
    ]);
    expect(bottlenecks({ between: 0, rows: rows.slice(1, 2) })).toEqual([
      'DequantizeLinear takes 100 %, in 2 nodes'
    ]);
  });

  it('name nothing where nothing was measured', () => {
    expect(bottlenecks({ rows: [], between: 0 })).toEqual([]);
    expect(bottlenecks({ rows: [], between: 5 })).toEqual([
      '100 % is spent outside of nodes: many small nodes, or the profiler itself'
    ]);
  });
});

describe('the places of nodes', () => {
  it('are a layer and a part for each named node of the demo', () => {
    const structure = readStructure(DEMO);
    const { names } = nameNodes(structure.onnx.proto.graph);
    const places = nodePlaces(structure, names);
    expect(places.size / structure.graph.nodes.length).toBeGreaterThan(0.97);
    // The exporter names nodes by the module that they come from.
    let checked = 0;
    for (const [name, { place, part }] of places) {
      const own =
        /\/layers\.(\d+)\/(block_sparse_moe\/(gate|experts\.\d+\/w\d)|self_attn)\//.exec(
          name
        );
      if (own) {
        checked++;
        const expected =
          own[2] === 'self_attn'
            ? 'attention'
            : own[3] === 'gate'
              ? 'router'
              : 'experts';
        expect([name, place, part]).toEqual([
          name,
          `layer ${own[1]}`,
          expected
        ]);
      }
    }
    expect(checked).toBeGreaterThan(500);
    // What turns stored integers into weights: three matrices of 8 experts in 6 layers.
    const counts = new Map<string, number>();
    for (const { op, name } of structure.graph.nodes) {
      const part = places.get(name)?.part;
      if (op === 'DequantizeLinear' && part !== undefined) {
        counts.set(part, (counts.get(part) ?? 0) + 1);
      }
    }
    expect(counts.get('experts')).toBe(3 * 8 * 6);
    expect(counts.get('dispatch')).toBeUndefined();
  });
});

/** Those of this process: others test at the same time. */
const scratchFolders = () =>
  readdirSync(tmpdir()).filter(name =>
    name.startsWith(`moe-debugger-${ownPrefix()}`)
  );

it('finds the place of a fusion by the node that it begins with', () => {
  const place = { place: 'layer 0', part: 'attention' as const };
  const places = new Map([['/layers.0/MatMul', place]]);
  expect(placeOf(places, '/layers.0/MatMul')).toBe(place);
  expect(
    placeOf(places, '/layers.0/MatMul/MatMulScaleFusion//TransposeFusion/')
  ).toBe(place);
  expect(placeOf(places, '/layers.0/MatMul_2/Fusion/')).toBeUndefined();
  expect(placeOf(places, 'Transpose_token_2')).toBeUndefined();
});

describe('a profile', () => {
  it('adds up to the time of a run, and tells the parts of each layer', async () => {
    const model = await loadModel(DEMO);
    const before = scratchFolders();
    const seen: number[] = [];
    const profile = await model.profile('Der Dienst antwortet nicht.', {
      runs: 3,
      onProgress: ({ done, total }) => {
        expect(total).toBe(8);
        seen.push(done);
      }
    });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const document = profile.toJSON();
    expect(decodeProfile(JSON.parse(JSON.stringify(document)))).toEqual(
      document
    );
    const { prefill, oneToken, rows, between, fused, events } = document;
    expect([prefill.runs, oneToken.runs, oneToken.tokens]).toEqual([3, 3, 1]);
    expect(prefill.tokens).toBe(
      model.loaded.tokenize('Der Dienst antwortet nicht.').ids.length
    );
    const inNodes = rows.reduce((sum, row) => sum + row.milliseconds, 0);
    expect(inNodes + between).toBeCloseTo(prefill.milliseconds, 6);
    // Of nodes, not of time, which other tests at the same time change.
    const { onnx } = model.loaded;
    const places = nodePlaces(model.loaded, nameNodes(onnx.proto.graph).names);
    const known = events.filter(({ name }) => placeOf(places, name)).length;
    expect(known / events.length).toBeGreaterThan(0.9);
    expect(fused).toBeGreaterThan(0);
    expect(fused).toBeLessThan(1);
    for (let layer = 0; layer < 6; layer++) {
      const parts = new Set(
        rows
          .filter(({ place }) => place === `layer ${layer}`)
          .map(({ part }) => part)
      );
      for (const part of ['attention', 'router', 'experts', 'dispatch']) {
        expect([layer, part, parts.has(part as never)]).toEqual([
          layer,
          part,
          true
        ]);
      }
    }
    expect(events.length).toBeGreaterThan(1000);
    expect(scratchFolders()).toEqual(before);
    expect(String(profile)).toMatch(/^demo: \d+ tokens in [\d.]+ ms/);

    const folder = mkdtempSync(join(temporaryFolder(), 'p-'));
    await profile.save(join(folder, 'demo.trace.json'));
    const { traceEvents } = JSON.parse(
      readFileSync(join(folder, 'demo.trace.json'), 'utf8')
    ) as { traceEvents: { ph: string; name: string }[] };
    expect(traceEvents.length).toBeGreaterThan(events.length);
    expect(traceEvents.every(({ ph }) => ph === 'X')).toBe(true);
    await profile.save(join(folder, 'demo.csv'));
    expect(existsSync(join(folder, 'demo.csv'))).toBe(true);
    await model.dispose();
  }, 60_000);

  it('runs models on token ids, and can be cancelled', async () => {
    const model = await loadModel(tinyMoE({ layers: 1 }).save());
    const { rows } = await model.profile([1, 2, 3], { runs: 1 });
    expect(rows.some(({ part }) => part === 'experts')).toBe(true);
    const controller = new AbortController();
    await expect(
      model.profile([1, 2, 3], {
        signal: controller.signal,
        onProgress: () => controller.abort()
      })
    ).rejects.toMatchObject({ code: 'cancelled' });
    // The model runs on.
    expect((await model.trace([1, 2])).coverage.slots).toBe(4);
    await expect(model.profile([1], { runs: 0 })).rejects.toMatchObject({
      code: 'input'
    });
    await model.dispose();
  });
});
