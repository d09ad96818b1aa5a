/**
 * The process that the fuzz test of traces watches: reads damaged traces one after the other.
 *
 * Arguments: seed, number of files, folder to write them to.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MoEDebuggerError } from '../../src/base/errors';
import { readTrace } from '../../src/files/trace/read-trace';
import { below, onBytes, pick, type Random } from '../byte-mutations';
import { randomNumbers } from '../graph-builder';
import { originals } from './trace-originals';
import type { WatchedMessage } from './watched-process';

export interface TraceFuzzReport {
  files: number;
  /** Read as the sound trace: the damage is where nothing lies. */
  same: number;
  refused: number;
  /** Read as another trace, of a file without a hash. */
  unnoticed: number;
  /** What should not happen: an error of another kind, or other rows of a file with a hash. */
  failures: string[];
  peakMegabytes: number;
}

/** The end of a Parquet file says where everything is. */
const FOOTER = 3000;

/** Damage of a part only, which chance would rarely find. */
const onParts: Record<
  string,
  (bytes: Buffer, random: Random, other: Buffer) => Uint8Array
> = {
  'flip a bit of the pages': (bytes, random) => {
    const at = below(random, Math.max(1, bytes.length - FOOTER));
    bytes[at] ^= 1 << below(random, 8);
    return bytes;
  },
  'flip bits of the footer': (bytes, random) => {
    const from = Math.max(0, bytes.length - FOOTER);
    for (let i = 1 + below(random, 3); i > 0; i--) {
      bytes[from + below(random, bytes.length - from)] ^= 1 << below(random, 8);
    }
    return bytes;
  },
  'change the length of the footer': (bytes, random) => {
    const value = pick(random, [0, 1, 8, bytes.length, 0x7fffffff, 0xffffffff]);
    bytes.writeUInt32LE(value, bytes.length - 8);
    return bytes;
  },
  'cut the pages, keep the footer': (bytes, random) => {
    const footer = bytes.subarray(bytes.length - FOOTER);
    const kept = below(random, Math.max(1, bytes.length - FOOTER));
    return Buffer.concat([bytes.subarray(0, kept), footer]);
  },
  'splice with another trace': (bytes, random, other) => {
    const at = below(random, Math.min(bytes.length, other.length));
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
  },
  'copy a part over another': (bytes, random) => {
    const length = 1 + below(random, 500);
    const from = below(random, bytes.length - length);
    bytes.copyWithin(below(random, bytes.length - length), from, from + length);
    return bytes;
  },
  'put a number into a page': (bytes, random) => {
    const at = below(random, Math.max(1, bytes.length - FOOTER - 4));
    bytes.writeUInt32LE(
      pick(random, [0, 1, 0x7f800000, 0x7fc00000, 0x7fffffff, 0xffffffff]),
      at
    );
    return bytes;
  }
};

async function fuzz(
  seed: number,
  count: number,
  folder: string
): Promise<TraceFuzzReport> {
  const random = randomNumbers(seed);
  mkdirSync(folder, { recursive: true });
  const sound = await originals(folder);
  const contents = sound.map(({ path }) => readFileSync(path));
  const rows = async (path: string): Promise<string> => {
    const { samples } = (
      await readTrace(path, { maxBytes: 256 << 20 })
    ).toJSON();
    return JSON.stringify(samples);
  };
  const expected = await Promise.all(sound.map(({ path }) => rows(path)));
  const mutations = Object.entries({ ...onBytes, ...onParts });
  const report: TraceFuzzReport = {
    files: 0,
    same: 0,
    refused: 0,
    unnoticed: 0,
    failures: [],
    peakMegabytes: 0
  };
  const file = join(folder, 'damaged.parquet');
  while (report.files < count) {
    const which = report.files % sound.length;
    const [how, mutate] =
      mutations[Math.floor(report.files / sound.length) % mutations.length];
    const other = contents[(which + 1) % contents.length];
    writeFileSync(file, mutate(Buffer.from(contents[which]), random, other));
    tell({ at: report.files, how });
    const name = `file ${report.files} of seed ${seed} (${how})`;
    try {
      const read = await rows(file);
      if (read === expected[which]) {
        report.same++;
      } else if (sound[which].hashed) {
        report.failures.push(`${name}: other rows are read`);
      } else {
        report.unnoticed++;
      }
    } catch (error) {
      if (
        error instanceof MoEDebuggerError &&
        error.code === 'input' &&
        error.message.includes(file)
      ) {
        report.refused++;
      } else {
        report.failures.push(`${name}: ${String((error as Error)?.stack)}`);
      }
    }
    report.files++;
    report.peakMegabytes = Math.max(
      report.peakMegabytes,
      process.memoryUsage().rss / 2 ** 20
    );
  }
  return report;
}

function tell(message: WatchedMessage<TraceFuzzReport>): void {
  process.send?.(message);
}

const [seed, count, folder] = process.argv.slice(2);
void fuzz(Number(seed), Number(count), folder).then(report => {
  tell({ report });
  process.disconnect?.();
});
