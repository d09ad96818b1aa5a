/** Runs the built command line as a shell does. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary';

const MAIN = join(__dirname, '../bin/moe-debugger.mjs');

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function run(
  args: string[],
  whenStarted?: (child: ReturnType<typeof spawn>) => void
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe']
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on(
      'data',
      (chunk: Buffer) => (ended.stdout += chunk.toString())
    );
    child.stderr.on(
      'data',
      (chunk: Buffer) => (ended.stderr += chunk.toString())
    );
    child.on('error', reject);
    child.on('close', code => resolve({ ...ended, code }));
    whenStarted?.(child);
  });
}

/** A file of prompts, one JSON document a line. */
export function promptsFile(...lines: (object | string)[]): string {
  const path = join(temporaryFolder(), 'prompts.jsonl');
  writeFileSync(
    path,
    lines
      .map(line => (typeof line === 'string' ? line : JSON.stringify(line)))
      .join('\n')
  );
  return path;
}
