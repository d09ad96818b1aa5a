/**
 * Damaged and forged model files through the reader, the graph and the routers. Each ends in a description or in an
 * error that names the file; none hangs, crashes the process or takes a gigabyte.
 */
import { join } from 'node:path';
import { recordFault, tries } from './faults/scale';
import { watch } from './faults/watched-process';
import type { FuzzReport } from './fuzz';
import { temporaryFolder } from './temporary';

/** Two processes, since a machine that runs tests has two cores. */
const SEEDS = [20260101, 20260102];
const FILES_PER_SEED = tries(1000, 5200);
const RESIDENT_MEGABYTES = 1024;
/** A hundred files take about a second; silence for this long is a hang. */
const PATIENCE_MILLISECONDS = 60_000;

it(`describes or refuses ${SEEDS.length * FILES_PER_SEED} damaged files`, async () => {
  const folder = temporaryFolder();
  const watched = await Promise.all(
    SEEDS.map(seed =>
      watch<FuzzReport>(
        join(__dirname, 'fuzz.ts'),
        [String(seed), String(FILES_PER_SEED), join(folder, String(seed))],
        PATIENCE_MILLISECONDS
      )
    )
  );
  const lines = watched.map(({ report }, i) =>
    report
      ? `seed ${SEEDS[i]}: ${report.described} described, ${report.refused} refused; at most ${Math.ceil(report.slowestMilliseconds)} ms a file, ${Math.ceil(report.peakMegabytes)} MB`
      : `seed ${SEEDS[i]}: no report`
  );
  console.log(lines.join('\n'));
  expect(watched.map(({ ended }) => ended)).toEqual(SEEDS.map(() => 'well'));
  watched.forEach(({ report }) => {
    expect(report!.failures.slice(0, 20)).toEqual([]);
    expect(report!.files).toBe(FILES_PER_SEED);
    expect(report!.described + report!.refused).toBe(FILES_PER_SEED);
    // Both ways out are taken, or the files would not be what they are meant to be.
    expect(Math.min(report!.described, report!.refused)).toBeGreaterThan(
      FILES_PER_SEED / 10
    );
    expect(report!.peakMegabytes).toBeLessThan(RESIDENT_MEGABYTES);
  });
  const sum = (key: 'described' | 'refused'): number =>
    watched.reduce((total, { report }) => total + report![key], 0);
  recordFault(
    'damaged and forged models',
    `${SEEDS.length * FILES_PER_SEED} mutated files: bytes, graph, external data, bombs`,
    `${sum('described')} described, ${sum('refused')} refused with a typed error that names the file; none hung, crashed or took ${RESIDENT_MEGABYTES} MB`
  );
}, 480_000);
