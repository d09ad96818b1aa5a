/** A process that is killed while it writes a trace leaves the file before, or the one after, and no scratch for long. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readTrace } from '../../src/files/trace/read-trace';
import { randomNumbers } from '../graph-builder';
import { temporaryFolder } from '../temporary';
import { recordFault, tries } from './scale';

const KILLS = tries(8, 200);

function writeForever(path: string, scratch: string): ChildProcess {
  return fork(join(__dirname, 'write-traces.cjs'), [path], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  });
}

async function kill(child: ChildProcess): Promise<number> {
  child.kill('SIGKILL');
  await once(child, 'exit');
  return child.pid!;
}

/** Writes the first trace. @returns milliseconds from its last sample to the final name */
async function writeOnce(path: string, scratch: string): Promise<number> {
  const child = writeForever(path, scratch);
  await once(child, 'message');
  const begin = performance.now();
  await once(child, 'message');
  const milliseconds = performance.now() - begin;
  await kill(child);
  return milliseconds;
}

it(`survives ${KILLS} kills while it is written`, async () => {
  const random = randomNumbers(3);
  const folder = temporaryFolder();
  const path = join(folder, 'trace.parquet');
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  const latest = 3 * (await writeOnce(path, scratch));
  let before = 0;
  let after = 0;
  let hiddenLeft = 0;
  let scratchLeft = 0;
  for (let i = 0; i < KILLS; i++) {
    const child = writeForever(path, scratch);
    await once(child, 'message');
    await wait((latest * (i + random())) / KILLS);
    const killed = await kill(child);
    // A half-written file is no Parquet file, or differs from its hash.
    const trace = await readTrace(path);
    expect(trace.samples).toHaveLength(40);
    if (trace.id === String(killed)) {
      after++;
    } else {
      before++;
    }
    const hidden = readdirSync(folder).filter(name => name.startsWith('.'));
    const folders = readdirSync(scratch);
    hiddenLeft += hidden.length;
    scratchLeft += folders.length;
    // Only of the process that was just killed: it swept what those before it left.
    expect(
      [...hidden, ...folders].filter(name => !name.includes(`-${killed}-`))
    ).toEqual([]);
  }
  console.log(
    `${before} times the file before, ${after} times the one after; left ${hiddenLeft} hidden files and ${scratchLeft} scratch folders, each until the next run`
  );
  expect(before + after).toBe(KILLS);
  // Otherwise nothing was killed in the middle.
  expect(scratchLeft).toBeGreaterThan(0);
  recordFault(
    'kills while a trace is written',
    `${KILLS} times SIGKILL, spread over the time that writing takes`,
    'the file before or the one after, read whole, never a half; what is left over is removed by the next run'
  );
}, 1_200_000);
