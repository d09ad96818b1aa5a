import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../test/temporary';
import { writeAtomically } from './atomic-file';
import { ownPrefix, ownSuffix, sweepLeftovers } from './own-leftovers';

/** The id of a process that has ended. */
const ended = spawnSync(process.execPath, ['-e', '']).pid;
const ofEnded = (name: string): string =>
  name.replace(`-${process.pid}-`, `-${ended}-`);

describe('leftovers of a killed process', () => {
  it('are removed, and nothing else', () => {
    const folder = temporaryFolder();
    const keep = [
      `scratch-${ownPrefix()}AbCdEf`,
      // Of another host, where the process may run.
      ofEnded(`scratch-${ownPrefix()}AbCdEf`).replace(
        /[0-9a-f]{8}/,
        '00000000'
      ),
      ofEnded(`other-${ownPrefix()}AbCdEf`),
      `scratch-${ended}-AbCdEf`,
      'scratch-notes.txt'
    ];
    const gone = ofEnded(`scratch-${ownPrefix()}GhIjKl`);
    [...keep, gone].forEach(name => mkdirSync(join(folder, name)));
    writeFileSync(join(folder, gone, 'spill'), 'x');
    sweepLeftovers(folder, 'scratch-');
    expect(readdirSync(folder).sort()).toEqual(keep.sort());
  });

  it('beside a file are removed when the file is written', async () => {
    const folder = temporaryFolder();
    const part = ofEnded(`.trace.parquet.${ownSuffix()}`);
    const running = `.trace.parquet.${ownSuffix()}`;
    [part, running].forEach(name => writeFileSync(join(folder, name), 'half'));
    await writeAtomically(join(folder, 'trace.parquet'), unfinished =>
      writeFileSync(unfinished, 'whole')
    );
    expect(readdirSync(folder).sort()).toEqual([running, 'trace.parquet']);
  });

  it('in a folder that cannot be read are no error', () => {
    expect(() =>
      sweepLeftovers(join(temporaryFolder(), 'none'), '')
    ).not.toThrow();
  });
});
