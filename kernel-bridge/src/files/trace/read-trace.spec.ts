import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { card, CARDS, rowsFile, sql } from '../../../test/parquet-rows';
import { temporaryFolder } from '../../../test/temporary';
import { DEMO } from '../../../test/zoo';
import type { MoELayerCard } from '../../run/model/description';
import { loadModel } from '../../api/load-model';
import { NO_TOKEN_ID, type RoutingSample } from '../../base/protocol';
import { ParquetWriter } from './parquet';
import { openTrace, readTrace } from './read-trace';

async function write(
  samples: readonly RoutingSample[],
  cards: readonly MoELayerCard[],
  path = join(temporaryFolder(), 'trace.parquet')
): Promise<string> {
  const writer = await ParquetWriter.create(path, {
    run: 'r',
    model: 'm',
    cards
  });
  for (const sample of samples) {
    await writer.add(sample);
  }
  await writer.finish();
  return path;
}

const shapes = fc
  .record({ experts: fc.integer({ min: 1, max: 9 }), of: fc.nat() })
  .map(({ experts, of }) => ({ experts, topK: 1 + (of % experts) }));

/** Any float32, including NaN and infinities. */
const floats = (length: number): fc.Arbitrary<Float32Array> =>
  fc.float32Array({ minLength: length, maxLength: length });

const samplesOf = (
  cards: readonly MoELayerCard[],
  tokens: number,
  id: string
): fc.Arbitrary<RoutingSample> =>
  fc.record({
    id: fc.constant(id),
    tokens: fc.tuple(
      ...Array.from({ length: tokens }, (_, position) =>
        fc.record({
          position: fc.constant(position),
          id: fc.oneof(fc.nat(1 << 20), fc.constant(NO_TOKEN_ID)),
          text: fc.string({ unit: 'grapheme' })
        })
      )
    ),
    layers: fc.tuple(
      ...cards.map(({ layer, experts, topK }) =>
        fc.record({
          layer: fc.constant(layer),
          experts: fc.constant(experts),
          topK: fc.constant(topK),
          score: fc.constant('sigmoid' as const),
          logitsAre: fc.constant('logits' as const),
          logits: fc.oneof(
            floats(tokens * experts),
            fc.constant(new Float32Array())
          ),
          selected: fc
            .tuple(
              ...Array.from({ length: tokens }, () =>
                fc.tuple(
                  fc.shuffledSubarray([...Array(experts).keys()], {
                    minLength: topK,
                    maxLength: topK
                  }),
                  fc.boolean()
                )
              )
            )
            .map(rows =>
              Int32Array.from(
                // An expert may have dropped the token.
                rows.flatMap(([ids, drops]) =>
                  drops ? [-1, ...ids.slice(1)] : ids
                )
              )
            ),
          // Any numbers, NaN alone included, or not recorded.
          weights: fc.oneof(
            floats(tokens * topK),
            fc.constant(new Float32Array(tokens * topK).fill(NaN)),
            fc.constant(new Float32Array())
          )
        })
      )
    )
  });

const files = fc
  .tuple(
    fc.array(shapes, { minLength: 1, maxLength: 3 }),
    fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 })
  )
  .chain(([layers, lengths]) => {
    const cards = layers.map((shape, i) => card(2 * i, shape));
    return fc.record({
      cards: fc.constant(cards),
      samples: fc.tuple(
        ...lengths.map((tokens, i) => samplesOf(cards, tokens, `s${i}`))
      )
    });
  });

describe('readTrace', () => {
  it('round-trips what was captured from a model', async () => {
    const model = await loadModel(DEMO);
    const trace = await model.trace([
      { text: 'def fib(n):', id: 'a', domain: 'code' },
      { text: 'Guten Tag', id: 'b' }
    ]);
    await model.dispose();
    const path = join(temporaryFolder(), "a [1] 'trace'*.parquet");
    const writer = await ParquetWriter.create(path, {
      run: trace.id,
      model: trace.model,
      cards: trace.cards,
      created: trace.created.toISOString()
    });
    for (const sample of trace.samples) {
      await writer.add(sample);
    }
    await writer.finish();
    // A neighbouring file that the name would match as a glob pattern.
    copyFileSync(path, join(path, "../a 1 'trace'x.parquet"));

    const read = await readTrace(path);
    // As documents: arrays from the engine's worker have classes of another realm.
    expect(read.toJSON().samples).toEqual(trace.toJSON().samples);
    expect(read.cards).toEqual(JSON.parse(JSON.stringify(trace.cards)));
    expect(read.coverage).toEqual(trace.coverage);
    expect([read.id, read.model, read.created]).toEqual([
      trace.id,
      trace.model,
      trace.created
    ]);
  });

  it('round-trips any shape, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(files, async ({ cards, samples }) => {
        const read = await readTrace(await write(samples, cards));
        expect(read.samples).toEqual(samples);
      }),
      { numRuns: 25 }
    );
  });

  it('keeps encoder and decoder, and two routers of a block, separate', async () => {
    const shape = { experts: 2, topK: 1 };
    const cards = [
      card(0, { ...shape, stack: 'encoder' }),
      card(0, { ...shape, stack: 'decoder', module: 'attention' }),
      card(0, { ...shape, stack: 'decoder', module: 'mlp' })
    ];
    const layer = (i: number, selected: number[]) => ({
      layer: 0,
      stack: cards[i].stack,
      ...(cards[i].module ? { module: cards[i].module } : {}),
      ...shape,
      score: 'sigmoid' as const,
      logitsAre: 'logits' as const,
      logits: new Float32Array(),
      selected: Int32Array.from(selected),
      weights: Float32Array.from(selected, () => 1)
    });
    const sample = {
      id: 's',
      tokens: [{ position: 0, id: 7, text: 'x' }],
      encoderTokens: [
        { position: 0, id: 8 },
        { position: 1, id: 9, text: 'é' }
      ],
      layers: [layer(0, [1, 0]), layer(1, [1]), layer(2, [0])]
    };
    const read = await readTrace(await write([sample], cards));
    expect(read.samples).toEqual([sample]);
  });

  it('reads rows in any order, columns of other types and further columns', async () => {
    const path = await rowsFile(
      [
        `'b', 0::BIGINT, 2::SMALLINT, [3::BIGINT, 0], 0.5::DOUBLE, true`,
        `'a', 1, 1, [2, 1], 0.5, true`,
        `'b', 0, 1, [1, 0], 0.5, true`,
        `'a', 0, 1, [0, 3], 0.5, true`
      ],
      { columns: 'sample, position, layer, experts, token_text, extra' }
    );
    const { samples } = await readTrace(path);
    expect(samples.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(samples[0].layers.map(({ layer }) => layer)).toEqual([1, 2]);
    expect([...samples[1].layers[0].selected]).toEqual([0, 3, 2, 1]);
    expect(samples[1].tokens).toEqual([
      { position: 0, id: NO_TOKEN_ID, text: '0.5' },
      { position: 1, id: NO_TOKEN_ID, text: '0.5' }
    ]);
    expect(samples[1].layers[0].weights).toHaveLength(0);
  });

  it('reads a file without metadata if cards are given', async () => {
    const path = join(temporaryFolder(), 'bare.parquet');
    await sql(
      `COPY (SELECT 'a' AS sample, 0 AS position, 1 AS layer, [3, 2] AS experts) TO '${path}' (FORMAT parquet)`
    );
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('keep its metadata') as string
    });
    const { samples } = await readTrace(path, { cards: CARDS });
    expect([...samples[0].layers[0].selected]).toEqual([3, 2]);
  });

  it('asks for the run if there are several', async () => {
    const path = await rowsFile(
      [`'x', 'a', 0, 1, [0, 1]`, `'y', 'a', 0, 1, [2, 3]`],
      { columns: 'run, sample, position, layer, experts' }
    );
    await expect(readTrace(path)).rejects.toThrow(/2 runs.*name one of x, y/);
    await expect(readTrace(path, { run: 'z' })).rejects.toThrow(/no run z/);
    const { samples, id } = await readTrace(path, { run: 'y' });
    expect(id).toBe('y');
    expect([...samples[0].layers[0].selected]).toEqual([2, 3]);
  });

  it('numbers samples with the same id', async () => {
    const cards = [card(0, { experts: 2, topK: 1 })];
    const sample = (expert: number): RoutingSample => ({
      id: 'same',
      tokens: [{ position: 0, id: 1 }],
      layers: [
        {
          layer: 0,
          experts: 2,
          topK: 1,
          score: 'sigmoid',
          logitsAre: 'logits',
          logits: new Float32Array(),
          selected: Int32Array.of(expert),
          weights: Float32Array.of(1)
        }
      ]
    });
    const { samples } = await readTrace(
      await write([sample(0), sample(1)], cards)
    );
    expect(samples.map(({ id }) => id)).toEqual(['same', 'same (2)']);
  });

  it('yields sample after sample, with a limit for each', async () => {
    const path = await rowsFile(
      Array.from({ length: 40 }, (_, i) => `'s${i}', 0, 1, [0, 1]`)
    );
    const file = await openTrace(path, { maxBytes: 100 });
    let seen = 0;
    for await (const sample of file.samples()) {
      expect(sample.id).toBe(`s${seen++}`);
    }
    file.close();
    expect(seen).toBe(40);
    await expect(readTrace(path, { maxBytes: 100 })).rejects.toThrow(
      /takes more than 0 MB/
    );
  });
});
