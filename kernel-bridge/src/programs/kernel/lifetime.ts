/** Ends the kernel on request, and when its parent process is gone. */
const PARENT_POLL_MS = 500;

/** Kills this process as soon as its parent has exited, so that no kernel is orphaned. Works on any thread. */
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
  // The signal to the process group is meant for the other processes.
  process.on('SIGTERM', () => undefined);
  endChildren();
  process.exit(0);
}

/** Ends the process from any thread, even if the main thread is blocked. */
export function killProcess(): void {
  endChildren();
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Terminates processes that cells have started. Jupyter starts a kernel as the leader of a process group, which child
 * processes join; without such a group nothing happens.
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
