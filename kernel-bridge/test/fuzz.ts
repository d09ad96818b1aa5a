/**
 * The process that the fuzz test watches: reads damaged models one after the other and reports each on a line. It is
 * run with a small heap, so that a file which asks for much memory ends it.
 *
 * Arguments: seed, number of files, folder to write them to.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MoEDebuggerError } from '../src/base/errors';
import { inspectModel } from '../src/run/model/structure';
import { encodeModelProto } from '../src/onnx/file/schema';
import { randomNumbers } from './graph-builder';
import { bombs } from './bombs';
import { mutants, type Mutant } from './mutations';
import { originals } from './fuzz-originals';

export interface FuzzReport {
  files: number;
  described: number;
  refused: number;
  /** What should not happen: an error of another kind, or one that names neither file nor node. */
  failures: string[];
  /** Largest resident size seen, in MB. */
  peakMegabytes: number;
  slowestMilliseconds: number;
}

function fuzz(seed: number, count: number, folder: string): FuzzReport {
  const random = randomNumbers(seed);
  const sources = originals().map(model =>
    mutants(encodeModelProto(model), random)
  );
  const report: FuzzReport = {
    files: 0,
    described: 0,
    refused: 0,
    failures: [],
    peakMegabytes: 0,
    slowestMilliseconds: 0
  };
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'model.onnx');
  const forged: Mutant[] = bombs();
  while (report.files < count) {
    const { how, bytes } =
      forged[report.files] ??
      sources[report.files % sources.length].next().value;
    writeFileSync(file, bytes);
    // The watching process learns which file hangs or crashes this one.
    if (report.files % 100 === 0 || report.files < forged.length) {
      process.send?.({ at: report.files, how });
    }
    const name = `file ${report.files} of seed ${seed} (${how})`;
    const start = performance.now();
    try {
      const description = inspectModel(file);
      JSON.stringify(description);
      report.described++;
    } catch (error) {
      if (error instanceof MoEDebuggerError && error.message.includes(file)) {
        report.refused++;
      } else {
        report.failures.push(
          `${name}: ${error instanceof Error ? error.stack?.split('\n').slice(0, 3).join(' ') : String(error)}`
        );
      }
    }
    report.slowestMilliseconds = Math.max(
      report.slowestMilliseconds,
      performance.now() - start
    );
    report.files++;
    if (report.files % 50 === 0) {
      report.peakMegabytes = Math.max(
        report.peakMegabytes,
        process.memoryUsage().rss / 2 ** 20
      );
    }
  }
  return report;
}

const [seed, count, folder] = process.argv.slice(2);
process.send?.({ report: fuzz(Number(seed), Number(count), folder) });
process.disconnect?.();
