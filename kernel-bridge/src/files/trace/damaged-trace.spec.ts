import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onBytes } from '../../../test/byte-mutations';
import { CARDS, METADATA, rowsFile } from '../../../test/parquet-rows';
import { temporaryFolder } from '../../../test/temporary';
import { ParquetWriter } from './parquet';
import { readTrace } from './read-trace';

describe('a trace that is damaged is refused', () => {
  it.each<[string, string[], RegExp]>([
    ['an expert that is none', [`'a', 0, 1, [0, 4]`], /expert 4 is none of/],
    ['an expert below -1', [`'a', 0, 1, [0, -2]`], /expert -2 is none of/],
    ['a missing expert', [`'a', 0, 1, [0, NULL]`], /expert null is none of/],
    ['no experts', [`'a', 0, 1, []::INTEGER[]`], /0 experts of 4/],
    ['too many experts', [`'a', 0, 1, [0, 1, 2, 3, 0]`], /5 experts of 4/],
    ['an id above 32 bits', [`'a', 0, 1, [0, 99999999999]`], /cannot be read/],
    [
      'another k in between',
      [`'a', 0, 1, [0, 1]`, `'a', 1, 1, [0]`],
      /other lists than those before.*position 1/
    ],
    [
      'a position twice',
      [`'a', 0, 1, [0, 1]`, `'a', 0, 1, [0, 1]`],
      /position 0 is there twice/
    ],
    ['a position below 0', [`'a', -1, 1, [0, 1]`], /position -1 is none/],
    ['no position', [`'a', NULL::INTEGER, 1, [0, 1]`], /position null/],
    [
      'other tokens in another layer',
      [`'a', 0, 1, [0, 1]`, `'a', 1, 2, [0, 1]`],
      /other tokens than those before it.*layer 2/
    ],
    ['a layer without a card', [`'a', 0, 9, [0, 1]`], /no card.*layer 9/],
    ['no layer', [`'a', 0, NULL::INTEGER, [0, 1]`], /no card/]
  ])('%s', async (_, rows, message) => {
    await expect(readTrace(await rowsFile(rows))).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it.each<[string, string, RegExp]>([
    ['metadata that is no JSON', '{', /not JSON/],
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
      /two cards are of one router/
    ]
  ])('%s', async (_, metadata, message) => {
    const path = await rowsFile([`'a', 0, 1, [0, 1]`], { metadata });
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it('a file that is none, is no trace, has no rows, or is not there', async () => {
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

  it('bytes that chance changed', async () => {
    const original = readFileSync(
      await rowsFile(
        Array.from({ length: 30 }, (_, i) => `'s', ${i}, 1, [${i % 4}, 1]`)
      )
    );
    // A seed of its own, so that a failure can be repeated.
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
