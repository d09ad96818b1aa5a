/**
 * Ten thousand damaged and forged model files through the reader, the graph and the routers. Each ends in a
 * description or in an error that names the file; none hangs, crashes the process or takes a gigabyte.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FuzzReport } from './fuzz';
import { temporaryFolder } from './temporary';

/** Two processes, since a machine that runs tests has two cores. */
const SEEDS = [20260101, 20260102];
const FILES_PER_SEED = 5200;
const HEAP_MEGABYTES = 512;
const RESIDENT_MEGABYTES = 1024;
/** A hundred files take about a second; silence for this long is a hang. */
const PATIENCE_MILLISECONDS = 60_000;

interface Watched {
  report?: FuzzReport;
  /** The last file that was reported as begun. */
  at: number;
  how: string;
  ended: string;
}

const folder = temporaryFolder();
const children: ChildProcess[] = [];

afterAll(() => {
  children.forEach(child => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true, force: true });
});

function watch(seed: number): Promise<Watched> {
  return new Promise(resolve => {
    const child = fork(
      join(__dirname, 'fuzz.ts'),
      [String(seed), String(FILES_PER_SEED), join(folder, String(seed))],
      {
        execArgv: [
          `--max-old-space-size=${HEAP_MEGABYTES}`,
          '--require',
          join(__dirname, 'register-typescript.cjs')
        ],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc']
      }
    );
    children.push(child);
    const watched: Watched = { at: 0, how: '', ended: '' };
    let said = '';
    child.stderr!.on(
      'data',
      (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000))
    );
    let hung = false;
    let watchdog: NodeJS.Timeout;
    const expect = (): void => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, PATIENCE_MILLISECONDS);
    };
    expect();
    child.on(
      'message',
      (message: { at?: number; how?: string; report?: FuzzReport }) => {
        watched.at = message.at ?? watched.at;
        watched.how = message.how ?? watched.how;
        watched.report = message.report ?? watched.report;
        expect();
      }
    );
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      watched.ended = hung
        ? `hung after file ${watched.at} (${watched.how})`
        : code === 0
          ? 'well'
          : `${signal ?? code} after file ${watched.at} (${watched.how}): ${said}`;
      resolve(watched);
    });
  });
}

it(`describes or refuses ${SEEDS.length * FILES_PER_SEED} damaged files`, async () => {
  const watched = await Promise.all(SEEDS.map(watch));
  const lines = watched.map(({ report }, i) =>
    report
      ? `seed ${SEEDS[i]}: ${report.described} described, ${report.refused} refused; at most ${Math.ceil(report.slowestMilliseconds)} ms a file, ${Math.ceil(report.peakMegabytes)} MB`
      : `seed ${SEEDS[i]}: no report`
  );
  console.log(lines.join('\n'));
  watched.forEach(({ report, ended }) => {
    expect(ended).toBe('well');
    expect(report!.failures.slice(0, 20)).toEqual([]);
    expect(report!.files).toBe(FILES_PER_SEED);
    expect(report!.described + report!.refused).toBe(FILES_PER_SEED);
    // Both ways out are taken, or the files would not be what they are meant to be.
    expect(Math.min(report!.described, report!.refused)).toBeGreaterThan(
      FILES_PER_SEED / 10
    );
    expect(report!.peakMegabytes).toBeLessThan(RESIDENT_MEGABYTES);
  });
}, 240_000);
