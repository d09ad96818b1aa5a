/** Sessions shared by those who load the same graph: running a cell again costs no second copy of the weights. */
import type { Session } from './engine';

interface Entry {
  session: Promise<Session>;
  users: number;
}

const entries = new Map<string, Entry>();

/** A session in use; the last user to release it frees it. */
export interface SharedSession {
  session: Session;
  /** Can be called twice. */
  release(): Promise<void>;
}

/**
 * The session for `key`, made by `create` when nobody has it.
 * @param key tells graphs, weights and options apart: equal keys must mean equal sessions
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

/** A session does not outlive the thread that it ran on. */
async function isGone({ session }: Entry): Promise<boolean> {
  try {
    return (await session).gone;
  } catch {
    return true;
  }
}
