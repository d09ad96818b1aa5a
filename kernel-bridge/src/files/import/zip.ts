/** Arrays of a ZIP archive, which numpy.savez writes. yauzl reads its structure; what it does not check is checked here. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { MoEDebuggerError } from '../../base/errors';
import { refuse } from './importer';

/** Compressed ids shrink a lot, but not this much: above is a bomb. */
const MAX_RATIO = 1100;
const RATIO_SLACK = 1024;
const MAX_DIRECTORY = 16 << 20;
/** Of an entry in the directory, without its name. */
const ENTRY_BYTES = 46;
const STORED = 0;
const HINT = 'save it with numpy.savez again';

/** The bytes of an entry: in a file of their own, or where they are stored in the archive. */
export interface UnpackedEntry {
  name: string;
  path: string;
  offset: number;
  size: number;
}

/**
 * Unpacks entries one by one into files in a folder; those that are stored as they are stay in the archive. Checks the
 * whole directory first, and of each entry the checksum.
 * @throws MoEDebuggerError 'input' for no archive, a damaged one, or one that unpacks to far more than it is
 */
export async function* unpackZip(
  archive: string,
  folder: string
): AsyncGenerator<UnpackedEntry> {
  const zip = await reading(archive, '', () =>
    openPromise(archive, { autoClose: false })
  );
  try {
    const entries = await reading(archive, '', () =>
      readDirectory(zip, archive)
    );
    for (const [i, entry] of entries.entries()) {
      yield await reading(archive, placeOf(entry), () =>
        unpack(zip, entry, archive, join(folder, `entry-${i}`))
      );
    }
  } finally {
    zip.close();
  }
}

async function readDirectory(zip: ZipFile, archive: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const names = new Set<string>();
  let directory = 0;
  let packed = 0;
  for await (const entry of zip.eachEntry()) {
    directory +=
      ENTRY_BYTES +
      entry.fileNameLength +
      entry.extraFieldLength +
      entry.fileCommentLength;
    packed += entry.compressedSize;
    const fault =
      directory > MAX_DIRECTORY
        ? `its directory takes more than ${MAX_DIRECTORY} bytes`
        : packed > zip.fileSize
          ? 'its entries overlap'
          : names.has(entry.fileName)
            ? 'two entries have the same name'
            : faultOf(entry);
    if (fault) {
      refuse(fault, archive, placeOf(entry), HINT);
    }
    names.add(entry.fileName);
    entries.push(entry);
  }
  return entries;
}

function faultOf(entry: Entry): string | undefined {
  return entry.isEncrypted()
    ? 'the entry is encrypted'
    : !entry.canDecodeFileData()
      ? `the entry is compressed by method ${entry.compressionMethod}, which cannot be read`
      : entry.uncompressedSize > MAX_RATIO * entry.compressedSize + RATIO_SLACK
        ? `the entry unpacks to ${entry.uncompressedSize} bytes from ${entry.compressedSize}`
        : undefined;
}

async function unpack(
  zip: ZipFile,
  entry: Entry,
  archive: string,
  path: string
): Promise<UnpackedEntry> {
  const stored = entry.compressionMethod === STORED;
  let checksum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      checksum = crc32(chunk, checksum);
      done(null, chunk);
    }
  });
  // yauzl ends it with an error when it is longer or shorter than the directory says.
  await pipeline(
    await zip.openReadStreamPromise(entry),
    check,
    stored ? nowhere() : createWriteStream(path)
  );
  if (checksum !== entry.crc32) {
    refuse(
      'the entry is damaged: its checksum is another',
      archive,
      placeOf(entry),
      HINT
    );
  }
  const place = stored
    ? {
        path: archive,
        offset: (await zip.readLocalFileHeaderPromise(entry, { minimal: true }))
          .fileDataStart
      }
    : { path, offset: 0 };
  return { name: entry.fileName, ...place, size: entry.uncompressedSize };
}

function nowhere(): Writable {
  return new Writable({ write: (_, __, done) => done() });
}

function placeOf({ fileName }: Entry): string {
  return `array ${fileName.slice(0, 60)}`;
}

/** Failures of yauzl and zlib say that the archive is damaged; those of the system, that it could not be read or unpacked. */
async function reading<T>(
  archive: string,
  place: string,
  read: () => Promise<T>
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof MoEDebuggerError) {
      throw error;
    }
    const { message, syscall } = error as NodeJS.ErrnoException;
    throw new MoEDebuggerError(
      syscall === undefined ? 'input' : 'environment',
      `the archive cannot be unpacked: ${message.slice(0, 160)}`,
      {
        where: place ? `${archive}, ${place}` : archive,
        hint: syscall === undefined ? HINT : undefined,
        cause: error
      }
    );
  }
}
