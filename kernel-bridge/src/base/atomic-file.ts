/** Writes files atomically. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  type Stats
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MoEDebuggerError } from './errors';
import { ownSuffix, sweepLeftovers } from './own-leftovers';

/**
 * Lets `write` fill a temporary file beside `path`, then renames it to `path`. Both the file and its folder are written
 * to the disk first, so that a loss of power leaves the old file or the new one. Removes what killed runs left beside it.
 * A symbolic link stays, and the file that it names is replaced; an existing file keeps its permissions.
 * @throws MoEDebuggerError 'environment' when the file cannot be written; a MoEDebuggerError of `write` is rethrown
 */
export async function writeAtomically<T>(
  path: string,
  write: (unfinished: string) => Promise<T> | T
): Promise<T> {
  const { target, before } = targetOf(path);
  const folder = dirname(target);
  const hidden = `.${basename(target)}.`;
  sweepLeftovers(folder, hidden);
  const unfinished = join(folder, hidden + ownSuffix());
  try {
    const result = await write(unfinished);
    toDisk(unfinished);
    if (before) {
      chmodSync(unfinished, before.mode & 0o777);
    }
    renameSync(unfinished, target);
    folderToDisk(folder);
    return result;
  } catch (error) {
    remove(unfinished);
    throw error instanceof MoEDebuggerError ? error : cannotWrite(path, error);
  }
}

/** Links that follow each other; more are a circle. */
const MAX_LINKS = 40;

/**
 * The file that a path names, through symbolic links, whether it exists or not.
 * @throws MoEDebuggerError 'environment' for a folder, a device or a pipe, which a finished file cannot replace
 */
export function targetOf(path: string): { target: string; before?: Stats } {
  let target = resolve(path);
  try {
    // A link that leads nowhere yet names the file to make.
    for (let links = 0; isDangling(target); links++) {
      if (links === MAX_LINKS) {
        throw new Error('its symbolic links form a circle');
      }
      target = resolve(realpathSync(dirname(target)), readlinkSync(target));
    }
    const before = statSync(target, { throwIfNoEntry: false });
    if (before && !before.isFile()) {
      throw new Error(
        before.isDirectory()
          ? 'it is a folder'
          : 'it is a device or a pipe, which a finished file would replace'
      );
    }
    return before ? { target: realpathSync(target), before } : { target };
  } catch (error) {
    throw cannotWrite(path, error, 'name a file to write');
  }
}

function isDangling(path: string): boolean {
  return (
    lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true &&
    !existsSync(path)
  );
}

export function cannotWrite(
  path: string,
  error: unknown,
  hint: string = 'check that its folder exists and has room'
): MoEDebuggerError {
  return new MoEDebuggerError(
    'environment',
    `the file cannot be written: ${(error as Error).message}`,
    {
      where: path,
      hint,
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
