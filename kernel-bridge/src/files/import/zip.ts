/** Arrays of a ZIP archive written by numpy.savez. yauzl reads its structure; what yauzl does not validate is validated here. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { MoEDebuggerError } from '../../base/errors';
import { refuse } from './importer';

/** Largest compression ratio of real ids; above it the archive is a zip bomb. */
const MAX_RATIO = 1100;
const RATIO_SLACK = 1024;
const MAX_DIRECTORY = 16 << 20;
/** Size of an entry in the directory, without its name. */
const ENTRY_BYTES = 46;
const STORED = 0;
const HINT = 'save it with numpy.savez again';

/** The bytes of an entry: in a file of their own, or in place in the archive. */
export interface UnpackedEntry {
  name: string;
  path: string;
  offset: number;
  size: number;
}

/**
 * Unpacks entries one by one to files in a folder; uncompressed entries stay in the archive. Validates the whole
 * directory first, then the checksum of each entry.
 * @param shown the user's file, for messages; `archive` may be its unpacked copy
 * @throws MoEDebuggerError 'input' when it is not an archive, damaged, or a zip bomb
 */
export async function* unpackZip(
  archive: string,
  folder: string,
  shown: string = archive
): AsyncGenerator<UnpackedEntry> {
  const zip = await reading(shown, '', () =>
    openPromise(archive, { autoClose: false })
  );
  try {
    const entries = await reading(shown, '', () => readDirectory(zip, shown));
    for (const [i, entry] of entries.entries()) {
      yield await reading(shown, placeOf(entry), () =>
        unpack(zip, entry, { archive, shown }, join(folder, `entry-${i}`))
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
  { archive, shown }: { archive: string; shown: string },
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
  // yauzl fails if it is longer or shorter than the directory says.
  await pipeline(
    await zip.openReadStreamPromise(entry),
    check,
    stored ? nowhere() : createWriteStream(path)
  );
  if (checksum !== entry.crc32) {
    refuse(
      'the entry is damaged: its checksum differs',
      shown,
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

/** Reports failures of yauzl and zlib as a damaged archive, and failures of the system as such. */
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
