/** A process of its own for what may crash, hang or take too much memory, with the test watching it. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const HEAP_MEGABYTES = 512;

/** What such a process reports: the file that it begins, and at its end what came out. */
export interface WatchedMessage<Report> {
  at?: number;
  how?: string;
  report?: Report;
}

export interface Watched<Report> {
  report?: Report;
  /** 'well', or how it ended and at which file. */
  ended: string;
}

const children: ChildProcess[] = [];

if (typeof afterAll === 'function') {
  afterAll(() => children.forEach(child => child.kill('SIGKILL')));
}

/**
 * Runs a TypeScript program that sends `WatchedMessage`s.
 * @param patience milliseconds of silence that are a hang
 */
export function watch<Report>(
  program: string,
  args: readonly string[],
  patience: number
): Promise<Watched<Report>> {
  return new Promise(resolve => {
    const child = fork(program, args, {
      execArgv: [
        `--max-old-space-size=${HEAP_MEGABYTES}`,
        '--require',
        join(__dirname, '../register-typescript.cjs')
      ],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc']
    });
    children.push(child);
    const watched: Watched<Report> = { ended: '' };
    let place = 'before the first file';
    let said = '';
    child.stderr!.on(
      'data',
      (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000))
    );
    let hung = false;
    let watchdog: NodeJS.Timeout;
    const expectMessage = (): void => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, patience);
    };
    expectMessage();
    child.on('message', ({ at, how, report }: WatchedMessage<Report>) => {
      place = at === undefined ? place : `after file ${at} (${how})`;
      watched.report = report ?? watched.report;
      expectMessage();
    });
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      watched.ended = hung
        ? `hung ${place}`
        : code === 0
          ? 'well'
          : `${signal ?? code} ${place}: ${said}`;
      resolve(watched);
    });
  });
}
