import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onBytes } from '../../../test/byte-mutations';
import { CARDS, METADATA, rowsFile } from '../../../test/parquet-rows';
import { temporaryFolder } from '../../../test/temporary';
import { ParquetWriter } from './parquet';
import { readTrace } from './read-trace';

describe('a damaged trace is rejected', () => {
  it.each<[string, string[], RegExp]>([
    ['an invalid expert', [`'a', 0, 1, [0, 4]`], /invalid expert 4/],
    ['an expert twice', [`'a', 0, 1, [2, 2]`], /expert 2 twice.*position 0/],
    ['fewer experts', [`'a', 0, 1, [2]`], /1 experts are selected.*selects 2/],
    ['an expert below -1', [`'a', 0, 1, [0, -2]`], /invalid expert -2/],
    ['a missing expert', [`'a', 0, 1, [0, NULL]`], /invalid expert null/],
    ['no experts', [`'a', 0, 1, []::INTEGER[]`], /0 experts of 4/],
    ['too many experts', [`'a', 0, 1, [0, 1, 2, 3, 0]`], /5 experts of 4/],
    ['an id above 32 bits', [`'a', 0, 1, [0, 99999999999]`], /cannot be read/],
    [
      'a different k in between',
      [`'a', 0, 1, [0, 1]`, `'a', 1, 1, [0]`],
      /different lists than earlier rows.*position 1/
    ],
    [
      'a position twice',
      [`'a', 0, 1, [0, 1]`, `'a', 0, 1, [0, 1]`],
      /position 0 occurs twice/
    ],
    ['a position below 0', [`'a', -1, 1, [0, 1]`], /invalid position -1/],
    ['no position', [`'a', NULL::INTEGER, 1, [0, 1]`], /invalid position null/],
    [
      'other tokens in another layer',
      [`'a', 0, 1, [0, 1]`, `'a', 1, 2, [0, 1]`],
      /different tokens than earlier layers.*layer 2/
    ],
    ['a layer without a card', [`'a', 0, 9, [0, 1]`], /no card.*layer 9/],
    ['no layer', [`'a', 0, NULL::INTEGER, [0, 1]`], /no card/]
  ])('%s', async (_, rows, message) => {
    await expect(readTrace(await rowsFile(rows))).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it.each([
    [
      'an infinite weight',
      `'a', 0, 1, [0, 1], ['Infinity'::FLOAT, 0]`,
      /infinite/
    ],
    [
      'an infinite weight below 0',
      `'a', 0, 1, [0, 1], [0, '-Infinity'::FLOAT]`,
      /infinite/
    ],
    [
      'half an expert',
      `'a', 0, 1, [0.5, 1], [1::FLOAT, 0]`,
      /experts has a number that is not whole/
    ],
    [
      'half an expert as text',
      `'a', 0, 1, ['0.5', '1'], [1::FLOAT, 0]`,
      /experts has a number that is not whole/
    ],
    [
      'half a position',
      `'a', 1.5, 1, [0, 1], [1::FLOAT, 0]`,
      /position has a number that is not whole/
    ],
    [
      'a long text',
      `repeat('x', 70000), 0, 1, [0, 1], [1::FLOAT, 0]`,
      /column sample has a text of 70000 bytes/
    ]
  ])('%s', async (_, row, message) => {
    const columns = 'sample, position, layer, experts, weights';
    await expect(
      readTrace(await rowsFile([row], { columns }))
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it.each([
    [
      'an expert that is none, with a weight',
      `'a', 0, 1, 7, 'x', [0, -1], [0.5::FLOAT, 0.5]`,
      [],
      /there is no expert, but the weight 0\.5/
    ],
    [
      'a negative token id',
      `'a', 0, 1, -7, 'x', [0, 1], [0.5::FLOAT, 0.5]`,
      [],
      /invalid token id -7/
    ],
    [
      'two texts of one token id',
      `'a', 0, 1, 7, 'x', [0, 1], [0.5::FLOAT, 0.5]`,
      [`'a', 1, 1, 7, 'y', [0, 1], [0.5::FLOAT, 0.5]`],
      /the token 7 has the text "y", but "x" in an earlier row.*position 1/
    ],
    [
      'two texts of one token id in two samples',
      `'a', 0, 1, 7, 'x', [0, 1], [0.5::FLOAT, 0.5]`,
      [`'b', 0, 1, 7, 'X', [0, 1], [0.5::FLOAT, 0.5]`],
      /the token 7 has the text "X", but "x" in an earlier row.*sample b/
    ],
    [
      'two texts of one position in two layers',
      `'a', 0, 1, NULL, 'x', [0, 1], [0.5::FLOAT, 0.5]`,
      [`'a', 0, 2, NULL, 'y', [0, 1], [0.5::FLOAT, 0.5]`],
      /the token has the text "y", but "x" in an earlier row/
    ]
  ])('%s', async (_, row, others, message) => {
    const columns =
      'sample, position, layer, token_id, token_text, experts, weights';
    await expect(
      readTrace(await rowsFile([row, ...others], { columns }))
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it('weights that do not sum as the model divides them', async () => {
    const metadata = METADATA.replaceAll(
      '"renormalized":false',
      '"renormalized":true'
    );
    const columns = 'sample, position, layer, experts, weights';
    const path = (weights: string): Promise<string> =>
      rowsFile(
        [`'a', 0, 1, [0, 1], [1.5::FLOAT, 1]`, `'a', 1, 1, [0, 1], ${weights}`],
        { columns, metadata }
      );
    await expect(readTrace(await path('[1.5::FLOAT, 1.5]'))).rejects.toThrow(
      /the weights sum to 3\.000, but the model's sum to 2\.5 .*position 1/
    );
    // Rounding, weights that are unknown, and experts that dropped the token.
    for (const weights of [
      `[1.51::FLOAT, 1]`,
      `['NaN'::FLOAT, 1]`,
      `[NULL, 1::FLOAT]`
    ]) {
      const { samples } = await readTrace(await path(weights));
      expect(samples[0].tokens).toHaveLength(2);
    }
  });

  it('but not ids, texts and weights that other programs leave out', async () => {
    const columns =
      'sample, position, layer, token_id, token_text, experts, weights';
    const { samples } = await readTrace(
      await rowsFile(
        [
          `'a', 0, 1, -1, 'x', [0, -1], [0.5::FLOAT, 0]`,
          `'a', 1, 1, NULL, 'y', [-1, 1], ['NaN'::FLOAT, 0.5]`,
          `'a', 2, 1, 7, NULL, [0, 1], [0.5::FLOAT, 0.5]`,
          `'b', 0, 1, 7, 'x', [0, 1], [0.5::FLOAT, 0.5]`
        ],
        { columns }
      )
    );
    expect(samples.map(({ tokens }) => tokens.map(({ id }) => id))).toEqual([
      [-1, -1, 7],
      [7]
    ]);
  });

  it('a long list, before it is decoded', async () => {
    const path = await rowsFile([
      `'a', 0, 1, list_resize([1], 1100000, 1)`,
      `'a', 1, 1, [0, 1]`
    ]);
    expect(statSync(path).size).toBeLessThan(1 << 20);
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(
        /column experts has 1100002 numbers in 2 rows, but a layer has at most 4/
      ) as string
    });
  });

  it('but not whole numbers of another type', async () => {
    const path = await rowsFile([`'a', 3.0, 1.0::DOUBLE, [0.0, 1.0]`]);
    const { samples } = await readTrace(path);
    expect(samples[0].tokens).toMatchObject([{ position: 3 }]);
    expect([...samples[0].layers[0].selected]).toEqual([0, 1]);
  });

  it.each<[string, string, RegExp]>([
    ['metadata that is not JSON', '{', /not JSON/],
    [
      'a later schema',
      METADATA.replace('@1', '@2'),
      /its schema is "moe-debugger\/parquet@2"/
    ],
    [
      'a card of no experts',
      METADATA.replace('"experts":4', '"experts":0'),
      /takes 2 of 0 experts/
    ],
    [
      'a card of a billion experts',
      METADATA.replace('"experts":4', '"experts":1000000000'),
      /is not a count/
    ],
    [
      'a bias of another length',
      METADATA.replace('"selectionBias":[', '"selectionBias":[0,'),
      /has 5 entries for 4 experts/
    ],
    [
      'two cards of one router',
      METADATA.replace('"layer":2', '"layer":1'),
      /two cards belong to one router/
    ]
  ])('%s', async (_, metadata, message) => {
    const path = await rowsFile([`'a', 0, 1, [0, 1]`], { metadata });
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it('a file that is not Parquet, is not a trace, has no rows, or does not exist', async () => {
    const text = join(temporaryFolder(), 'x.parquet');
    writeFileSync(text, 'not Parquet');
    await expect(readTrace(text)).rejects.toThrow(/cannot be read as a trace/);
    await expect(readTrace(`${text}.gone`)).rejects.toThrow(/no such trace/);
    const other = await rowsFile(['1, 2'], { columns: 'layer, y' });
    await expect(readTrace(other)).rejects.toThrow(
      /no column sample, position, experts/
    );
    const empty = join(temporaryFolder(), 'empty.parquet');
    const writer = await ParquetWriter.create(empty, {
      run: 'r',
      model: 'm',
      cards: CARDS
    });
    await writer.finish();
    await expect(readTrace(empty)).rejects.toThrow(/the trace has no rows/);
  });

  it('randomly changed bytes', async () => {
    const original = readFileSync(
      await rowsFile(
        Array.from({ length: 30 }, (_, i) => `'s', ${i}, 1, [${i % 4}, 1]`)
      )
    );
    // A fixed seed, so that a failure is reproducible.
    let state = 12345;
    const random = (): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state / 2 ** 32;
    };
    const path = join(temporaryFolder(), 'damaged.parquet');
    let refused = 0;
    for (let i = 0; i < 8; i++) {
      for (const mutate of Object.values(onBytes)) {
        writeFileSync(path, mutate(Buffer.from(original), random));
        const outcome = await readTrace(path).then(
          () => undefined,
          (error: unknown) => error
        );
        if (outcome !== undefined) {
          expect(outcome).toMatchObject({ code: 'input' });
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(20);
  });
});
