import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusal } from '../../../test/imported';
import { rowsFile } from '../../../test/parquet-rows';
import { temporaryFolder } from '../../../test/temporary';
import { checkFooter } from './check-footer';
import { readTrace } from './read-trace';

const damaged = join(temporaryFolder(), 'damaged.parquet');
let sound: Buffer;
let footer: number;

beforeAll(async () => {
  sound = readFileSync(await rowsFile([`'a', 0, 1, [0, 1]`]));
  footer = sound.length - 8 - sound.readUInt32LE(sound.length - 8);
});

/** A footer of these bytes behind the pages. */
function withFooter(bytes: Buffer): string {
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(bytes.length);
  tail.write('PAR1', 4);
  writeFileSync(
    damaged,
    Buffer.concat([sound.subarray(0, footer), bytes, tail])
  );
  return damaged;
}

it('accepts what DuckDB writes', async () => {
  expect(() =>
    checkFooter(withFooter(sound.subarray(footer, -8)))
  ).not.toThrow();
  expect((await readTrace(damaged)).samples).toHaveLength(1);
});

it('refuses a list of more elements than bytes, which would take gigabytes', async () => {
  // Field 1 is the version, field 2 the list of columns: its count becomes 52 million.
  const bytes = Buffer.from(sound.subarray(footer, -8));
  expect([...bytes.subarray(0, 3)]).toEqual([0x15, 0x02, 0x19]);
  const rest = bytes.subarray(4);
  const path = withFooter(
    Buffer.concat([
      bytes.subarray(0, 3),
      Buffer.from([0xfc, 0xff, 0xff, 0xff, 0x18]),
      rest
    ])
  );
  const begin = performance.now();
  await expect(readTrace(path)).rejects.toMatchObject(
    refusal(/its footer is damaged at byte 8/)
  );
  expect(performance.now() - begin).toBeLessThan(5000);
});

it.each<[string, number[]]>([
  ['a text longer than the footer', [0x18, 0xff, 0xff, 0xff, 0x7f, 0]],
  ['a number without an end', [0x15, ...Array<number>(12).fill(0xff), 0]],
  ['a struct without an end', [0x15, 0x02]],
  ['an unknown type', [0x1d, 0x00]],
  ['structs in structs', Array<number>(40).fill(0x1c)],
  ['lists in lists', Array<number>(40).fill(0x19)],
  ['bytes behind its end', [0x00, 0x00]],
  ['nothing', []]
])('refuses a footer of %s', async (_, bytes) => {
  await expect(readTrace(withFooter(Buffer.from(bytes)))).rejects.toMatchObject(
    refusal(/cannot be read as a trace: its footer is damaged/)
  );
});

it.each<[string, () => Buffer, RegExp]>([
  [
    'no magic',
    () => sound.subarray(0, -1),
    /not a Parquet file, or it is cut off/
  ],
  [
    'another magic',
    () => Buffer.concat([Buffer.from('X'), sound.subarray(1)]),
    /not a Parquet file/
  ],
  [
    'a footer longer than the file',
    () => Buffer.concat([sound.subarray(0, 4), sound.subarray(-8)]),
    /footer is longer/
  ],
  ['nothing', () => Buffer.alloc(0), /not a Parquet file/]
])('refuses a file with %s', async (_, bytes, message) => {
  writeFileSync(damaged, bytes());
  await expect(readTrace(damaged)).rejects.toMatchObject(refusal(message));
});
