/**
 * Runs programs without leaving any behind: each has its own process group, and when this program
 * gets a signal, or one takes too long, the whole group is killed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { environment, root } from './paths.mjs';

const windows = process.platform === 'win32';
const running = new Set();
const GRACE_SECONDS = 5;

/** Cleanup to do before this program ends on a signal. */
export const beforeEnd = new Set();

const signalled = new AbortController();

/** Aborted when this program gets a signal, before its children are stopped. */
export const ending = signalled.signal;

function signalGroup(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  if (windows) {
    spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F']);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has already ended.
  }
}

async function stop(child) {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(
    () => signalGroup(child, 'SIGKILL'),
    GRACE_SECONDS * 1000
  );
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise(resolve => child.once('exit', resolve));
  }
  clearTimeout(timer);
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1]
]) {
  process.once(signal, async () => {
    signalled.abort();
    await Promise.all([
      ...[...running].map(stop),
      ...[...beforeEnd].map(end => end(signal))
    ]);
    process.exit(128 + number);
  });
}

/** npm may be killed without a signal to this program: its children are stopped then too. */
export function endWithNpm() {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event && !windows) {
    setInterval(() => {
      if (process.ppid !== parent) {
        process.kill(process.pid, 'SIGTERM');
      }
    }, 1000).unref();
  }
}

/**
 * Runs a program to its end.
 *
 * @param {string[]} command the program and its arguments
 * @param {{cwd?: string, env?: object, seconds?: number, show?: boolean, onLine?: (line: string) => void, until?: AbortSignal}} options
 *   `seconds`: how long it may take; `show`: its output goes straight to the terminal and is not kept; `until`:
 *   stops it
 * @returns {Promise<{code: number | null, lines: string[], late?: boolean, error?: string}>} `error` says why it
 *   did not finish, or its exit code; `late`: it took longer than `seconds`
 */
export async function run(command, options = {}) {
  const { cwd = root, env, seconds, show = false, onLine, until } = options;
  const child = spawn(command[0], command.slice(1), {
    cwd,
    env: environment(env),
    stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    detached: !windows,
    shell: windows && command[0].endsWith('.cmd')
  });
  running.add(child);

  const lines = [];
  const keep = line => {
    lines.push(line);
    onLine?.(line);
  };
  for (const stream of show ? [] : [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', text => {
      const parts = (rest + text).split(/\r?\n|\r/);
      rest = parts.pop();
      parts.forEach(keep);
    });
    stream.on('end', () => rest && keep(rest));
  }

  until?.addEventListener('abort', () => void stop(child));
  let late = false;
  const timer =
    seconds &&
    setTimeout(() => {
      late = true;
      void stop(child);
    }, seconds * 1000);
  try {
    return await new Promise(resolve => {
      child.once('error', error =>
        resolve({ code: null, lines, error: error.message })
      );
      child.once('close', (code, signal) =>
        resolve({
          code,
          lines,
          late,
          error: late
            ? `did not end within ${seconds} s and was stopped`
            : signal
              ? `was ended by ${signal}`
              : code
                ? `ended with code ${code}`
                : undefined
        })
      );
    });
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}
