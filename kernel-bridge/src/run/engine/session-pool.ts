/** Shares sessions of the same graph: running a cell again does not load the weights twice. */
import type { Session } from './engine';

interface Entry {
  session: Promise<Session>;
  users: number;
}

const entries = new Map<string, Entry>();

/** A reference to a session; releasing the last reference frees it. */
export interface SharedSession {
  session: Session;
  /** Can be called repeatedly. */
  release(): Promise<void>;
}

/**
 * The session for `key`, created by `create` if there is none.
 * @param key cache key of graph, weights and options: equal keys must mean equal sessions
 */
export async function shareSession(
  key: string,
  create: () => Promise<Session>
): Promise<SharedSession> {
  let entry = entries.get(key);
  if (!entry || (await isGone(entry))) {
    entry = { session: create(), users: 0 };
    entries.set(key, entry);
  }
  entry.users++;
  let released = false;
  const release = async (): Promise<void> => {
    if (!released) {
      released = true;
      entry.users--;
      if (entry.users === 0) {
        forget(key, entry);
        await (await entry.session).release();
      }
    }
  };
  try {
    return { session: await entry.session, release };
  } catch (error) {
    forget(key, entry);
    throw error;
  }
}

function forget(key: string, entry: Entry): void {
  if (entries.get(key) === entry) {
    entries.delete(key);
  }
}

/** A session ends with its thread. */
async function isGone({ session }: Entry): Promise<boolean> {
  try {
    return (await session).gone;
  } catch {
    return true;
  }
}
