/** Writes files atomically. */
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MoEDebuggerError } from './errors';

/**
 * Lets `write` fill a temporary file beside `path`, then renames it to `path`.
 * @throws MoEDebuggerError 'environment' when the file cannot be written; a MoEDebuggerError of `write` is rethrown
 */
export async function writeAtomically<T>(
  path: string,
  write: (unfinished: string) => Promise<T> | T
): Promise<T> {
  const unfinished = join(
    dirname(path),
    `.${basename(path)}.${randomUUID().slice(0, 8)}`
  );
  try {
    const result = await write(unfinished);
    renameSync(unfinished, path);
    return result;
  } catch (error) {
    remove(unfinished);
    throw error instanceof MoEDebuggerError ? error : cannotWrite(path, error);
  }
}

export function cannotWrite(path: string, error: unknown): MoEDebuggerError {
  return new MoEDebuggerError(
    'environment',
    `the file cannot be written: ${(error as Error).message}`,
    {
      where: path,
      hint: 'check that its folder exists and has room',
      cause: error
    }
  );
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The temporary file may not exist.
  }
}
