/**
 * Names of temporary files and folders that say which process made them, so that a later process can remove what a
 * killed one left behind. Processes are told apart only on one host: containers that share a folder have other ids.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** The host, the process, and a part that tells its files apart. */
const OWNER = /^([0-9a-f]{8})-(\d{1,10})-[0-9A-Za-z]{6,8}$/;
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Part of a name that ends with a random part of its own, as those of mkdtemp do. */
export function ownPrefix(): string {
  return `${HOST}-${process.pid}-`;
}

export function ownSuffix(): string {
  return ownPrefix() + randomUUID().slice(0, 8);
}

/**
 * Removes what killed processes of this host left in a folder. Errors are ignored: another process may sweep as well.
 *
 * @param prefix what comes before the owner in the names
 */
export function sweepLeftovers(folder: string, prefix: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    const [, host, process] =
      (name.startsWith(prefix) && OWNER.exec(name.slice(prefix.length))) || [];
    if (host === HOST && !isRunning(Number(process))) {
      try {
        rmSync(join(folder, name), { recursive: true, force: true });
      } catch {
        // Another user's, or already gone.
      }
    }
  }
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    // The process of another user may not be signalled.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
