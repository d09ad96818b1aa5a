import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { temporaryFolder } from '../../../test/temporary';
import { writeZip, type WrittenEntry } from '../../../test/zip-writer';
import { unpackZip } from './zip';

const TEXT = Buffer.from('experts '.repeat(5000));
const ZEROS = Buffer.alloc(1 << 20);

interface Unpacked {
  names: string[];
  contents: Buffer[];
  inPlace: boolean[];
}

function archiveOf(content: Buffer): { archive: string; scratch: string } {
  const folder = temporaryFolder();
  const archive = join(folder, 'a.npz');
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  writeFileSync(archive, content);
  return { archive, scratch };
}

async function unpacked(content: Buffer): Promise<Unpacked> {
  const { archive, scratch } = archiveOf(content);
  const found: Unpacked = { names: [], contents: [], inPlace: [] };
  for await (const entry of unpackZip(archive, scratch)) {
    found.names.push(entry.name);
    found.contents.push(
      readFileSync(entry.path).subarray(entry.offset, entry.offset + entry.size)
    );
    found.inPlace.push(entry.path === archive);
  }
  return found;
}

/** Refused as it is said to be, before anything was written. */
async function expectRefused(content: Buffer, message: RegExp): Promise<void> {
  const { archive, scratch } = archiveOf(content);
  const reading = unpackZip(archive, scratch).next();
  await expect(reading).rejects.toMatchObject({
    code: 'input',
    where: expect.stringContaining(archive) as string,
    message: expect.stringMatching(message) as string
  });
  expect(readdirSync(scratch)).toEqual([]);
}

const two: WrittenEntry[] = [
  { name: 'text.npy', data: TEXT },
  { name: 'plain.npy', data: TEXT.subarray(0, 999), stored: true }
];

describe('an archive', () => {
  it.each([
    ['of the usual form', writeZip(two)],
    [
      'whose sizes follow the data',
      writeZip(two.map(entry => ({ ...entry, descriptor: true })))
    ],
    [
      'with ZIP64 fields for each entry',
      writeZip(
        two.map(entry => ({ ...entry, wide: true })),
        { wide: true }
      )
    ]
  ])('%s is unpacked; what is stored stays in place', async (_, content) => {
    const { names, contents, inPlace } = await unpacked(content);
    expect(names).toEqual(['text.npy', 'plain.npy']);
    expect(contents[0].equals(TEXT)).toBe(true);
    expect(contents[1].equals(TEXT.subarray(0, 999))).toBe(true);
    expect(inPlace).toEqual([false, true]);
  });

  it('has entries without bytes', async () => {
    const { contents } = await unpacked(
      writeZip([
        { name: 'a', data: Buffer.alloc(0) },
        { name: 'b', data: Buffer.alloc(0), stored: true }
      ])
    );
    expect(contents.map(({ length }) => length)).toEqual([0, 0]);
  });

  it('of zeros, which deflate packs a thousandfold, is no bomb', async () => {
    const { contents } = await unpacked(
      writeZip([{ name: 'zeros.npy', data: ZEROS }])
    );
    expect(contents[0].equals(ZEROS)).toBe(true);
  });

  const onLinux = existsSync('/proc/self/fd') ? it : it.skip;
  onLinux('is closed when its reader stops', async () => {
    const { archive, scratch } = archiveOf(writeZip(two));
    const open = (): number =>
      readdirSync('/proc/self/fd').flatMap(fd => {
        const link = join('/proc/self/fd', fd);
        return existsSync(link) && statSync(link).ino === statSync(archive).ino
          ? [fd]
          : [];
      }).length;
    for await (const { name } of unpackZip(archive, scratch)) {
      expect(name).toBe('text.npy');
      break;
    }
    // Closing is asynchronous, and reported to nobody.
    while (open() > 0) {
      await new Promise(setImmediate);
    }
    expect(open()).toBe(0);
  });
});

describe('refuses', () => {
  const packed = deflateRawSync(ZEROS).length;
  const bomb = (size: number): Buffer =>
    writeZip([{ name: 'bomb.npy', data: ZEROS, says: { size } }]);

  it('an entry that says it unpacks to more than 1100 times its bytes and 1024', async () => {
    await expectRefused(
      bomb(1100 * packed + 1024 + 1),
      new RegExp(`unpacks to ${1100 * packed + 1025} bytes from ${packed}`)
    );
    // One less passes this check, and is found out when the bytes come to an end.
    await expect(unpacked(bomb(1100 * packed + 1024))).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/not enough bytes/) as string
    });
  });

  it('an entry that unpacks to more than it says, and stops there', async () => {
    const { archive, scratch } = archiveOf(bomb(5000));
    await expect(unpackZip(archive, scratch).next()).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/too many bytes/) as string
    });
    const written = readdirSync(scratch).reduce(
      (sum, name) => sum + statSync(join(scratch, name)).size,
      0
    );
    expect(written).toBeLessThanOrEqual(5000);
  });

  it('entries that share their bytes', async () => {
    const entry = { name: '0', data: ZEROS };
    const alone = writeZip([entry]).length;
    const sharing = Array.from({ length: 8 }, (_, i) => ({
      name: String(i),
      data: Buffer.alloc(0),
      says: {
        size: ZEROS.length,
        packed,
        offset: 0n
      }
    }));
    expect(8 * packed).toBeGreaterThan(alone);
    await expectRefused(
      writeZip([entry, ...sharing.slice(1)]),
      /entries overlap/
    );
  });

  it('a directory of more than 16 MiB', async () => {
    // Each takes 46 bytes and a name of 60,000.
    const many = (count: number): Buffer =>
      writeZip(
        Array.from({ length: count }, (_, i) => ({
          name: String(i).padStart(60_000, '0'),
          data: Buffer.alloc(1),
          stored: true
        }))
      );
    const fits = Math.floor((16 << 20) / 60_046);
    await expectRefused(many(fits + 1), /directory takes more than 16777216/);
    const { archive, scratch } = archiveOf(many(fits));
    let read = 0;
    for await (const { size } of unpackZip(archive, scratch)) {
      read += size;
    }
    expect(read).toBe(fits);
  });

  it('two entries of one name', () =>
    expectRefused(
      writeZip([two[0], { ...two[1], name: two[0].name }]),
      /same name/
    ));

  it.each(['../x.npy', 'a/../../x.npy', '/etc/x.npy', 'C:/x.npy', '..\\x.npy'])(
    'the name %s, which would lead out of a folder',
    name =>
      expectRefused(
        writeZip([two[0], { ...two[1], name }]),
        /relative path|absolute path/
      )
  );

  it.each([
    ['an encrypted entry', { flags: 1 }, /encrypted/],
    ['strong encryption', { flags: 0x41 }, /encrypt/],
    ['a method that nobody knows', { method: 99 }, /method 99/],
    ['a method that is rare', { method: 14 }, /method 14/],
    ['a place before the end and beyond it', { offset: 1n << 30n }, /EOF|end/i],
    ['more bytes than the file has', { packed: 1 << 30 }, /overlap/]
  ])('%s', (_, says, message) =>
    expectRefused(
      writeZip([{ name: 'a', data: Buffer.from('abc'), says }]),
      message
    )
  );

  it.each([
    ['stored bytes that are fewer than it says', { size: 9 }, /size/],
    ['another checksum', { crc: 1 }, /checksum/]
  ])('%s', (_, says, message) =>
    expectRefused(
      writeZip([{ name: 'a', data: Buffer.from('abc'), stored: true, says }]),
      message
    )
  );

  it('another checksum of deflated bytes', async () => {
    await expect(
      unpacked(writeZip([{ ...two[0], says: { crc: 1 } }]))
    ).rejects.toMatchObject({ code: 'input' });
  });

  it.each([
    1n << 31n,
    1n << 32n,
    1n << 53n,
    (1n << 53n) + 1n,
    1n << 62n,
    (1n << 63n) - 1n,
    1n << 63n,
    (1n << 64n) - 1n
  ])('the offset %s in a ZIP64 field', async offset => {
    await expectRefused(
      writeZip([{ ...two[0], wide: true, says: { offset } }], { wide: true }),
      /./
    );
    await expectRefused(writeZip(two, { wide: true, offset }), /./);
  });

  it('an archive that is cut off anywhere', async () => {
    const whole = writeZip([
      { name: 'a', data: Buffer.from('abcabcabc') },
      { name: 'b', data: Buffer.from('xyz'), stored: true }
    ]);
    const outcomes = [];
    for (let length = 0; length < whole.length; length++) {
      outcomes.push(
        await unpacked(whole.subarray(0, length)).then(
          () => 'read',
          (error: { code?: string }) => error.code
        )
      );
    }
    expect(outcomes).toEqual(new Array(whole.length).fill('input'));
  });
});

it('says that the system failed where it did', async () => {
  const { archive } = archiveOf(writeZip(two));
  await expect(
    unpackZip(archive, join(archive, 'no-folder')).next()
  ).rejects.toMatchObject({ code: 'environment' });
});
