/** Writes files atomically. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MoEDebuggerError } from './errors';
import { ownSuffix, sweepLeftovers } from './own-leftovers';

/**
 * Lets `write` fill a temporary file beside `path`, then renames it to `path`. Both the file and its folder are written
 * to the disk first, so that a loss of power leaves the old file or the new one. Removes what killed runs left beside it.
 * @throws MoEDebuggerError 'environment' when the file cannot be written; a MoEDebuggerError of `write` is rethrown
 */
export async function writeAtomically<T>(
  path: string,
  write: (unfinished: string) => Promise<T> | T
): Promise<T> {
  const folder = dirname(path);
  const hidden = `.${basename(path)}.`;
  sweepLeftovers(folder, hidden);
  const unfinished = join(folder, hidden + ownSuffix());
  try {
    const result = await write(unfinished);
    toDisk(unfinished);
    renameSync(unfinished, path);
    folderToDisk(folder);
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

function toDisk(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Keeps the new name. Windows and some network file systems cannot do this for folders. */
function folderToDisk(folder: string): void {
  let opened: number | undefined;
  try {
    opened = openSync(folder, 'r');
    fsyncSync(opened);
  } catch {
    // The file itself is on the disk.
  } finally {
    if (opened !== undefined) {
      closeSync(opened);
    }
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The temporary file may not exist.
  }
}
