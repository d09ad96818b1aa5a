/**
 * Damaged traces through the reader. Each is read as the sound trace, or refused by an error that names the file; none
 * hangs, crashes the process or takes a gigabyte.
 */
import { join } from 'node:path';
import { temporaryFolder } from '../temporary';
import type { TraceFuzzReport } from './fuzz-traces';
import { recordFault, tries } from './scale';
import { watch } from './watched-process';

const SEEDS = [20260201, 20260202];
const FILES_PER_SEED = tries(120, 2500);
const RESIDENT_MEGABYTES = 1024;
const PATIENCE_MILLISECONDS = 60_000;

it(`reads or refuses ${SEEDS.length * FILES_PER_SEED} damaged traces`, async () => {
  const folder = temporaryFolder();
  const watched = await Promise.all(
    SEEDS.map(seed =>
      watch<TraceFuzzReport>(
        join(__dirname, 'fuzz-traces.ts'),
        [String(seed), String(FILES_PER_SEED), join(folder, String(seed))],
        PATIENCE_MILLISECONDS
      )
    )
  );
  console.log(watched.map(({ report }) => JSON.stringify(report)).join('\n'));
  expect(watched.map(({ ended }) => ended)).toEqual(SEEDS.map(() => 'well'));
  const reports = watched.map(({ report }) => report!);
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  const sum = (key: 'files' | 'same' | 'refused' | 'unnoticed'): number =>
    reports.reduce((total, report) => total + report[key], 0);
  expect(sum('files')).toBe(SEEDS.length * FILES_PER_SEED);
  expect(sum('same') + sum('refused') + sum('unnoticed')).toBe(sum('files'));
  // Most damage is refused; some lies where nothing is read.
  expect(sum('refused')).toBeGreaterThan(0.6 * sum('files'));
  expect(sum('same')).toBeGreaterThan(0);
  expect(sum('unnoticed')).toBeLessThan(0.2 * sum('files'));
  reports.forEach(({ peakMegabytes }) =>
    expect(peakMegabytes).toBeLessThan(RESIDENT_MEGABYTES)
  );
  recordFault(
    'damaged traces',
    `${sum('files')} mutated files: flips, cuts, splices, lengths; a third with a hash of its content`,
    `${sum('refused')} refused with a typed error that names the file, ${sum('same')} read as the sound trace, ${sum('unnoticed')} read as another one, all without a hash; none hung, crashed or took ${RESIDENT_MEGABYTES} MB`
  );
}, 1_200_000);
