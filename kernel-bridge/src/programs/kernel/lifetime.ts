/** The kernel ends when it is told to, and when the program that started it is gone. */
const PARENT_POLL_MS = 500;

/** Kills this process as soon as its parent has died, so that no kernel is orphaned. Works on any thread. */
export function watchParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      killProcess();
    }
  }, PARENT_POLL_MS).unref();
}

/** Ends the process from the main thread: `exit` listeners run, and worker threads end with it. */
export function endProcess(): void {
  // The signal to the group is meant for the others.
  process.on('SIGTERM', () => undefined);
  endChildren();
  process.exit(0);
}

/** Ends the process from any thread, also when the main thread is stuck. */
export function killProcess(): void {
  endChildren();
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Asks the processes that cells have started to end. Jupyter starts a kernel as the leader of a process group,
 * which they have joined; elsewhere there is no such group and nothing happens.
 */
function endChildren(): void {
  if (process.platform === 'win32') {
    return;
  }
  try {
    process.kill(-process.pid, 'SIGTERM');
  } catch {
    // Not the leader of a group.
  }
}
