/**
 * What the main thread and the inference thread know of each other when nothing asynchronous happens any more: Node ends
 * threads while the process exits, and onnxruntime's addon aborts the process if that happens while it loads.
 */
const UNFINISHED = 0;
const STOPPED = 1;

/** A thread that neither finishes nor fails must not keep the process for ever. */
const MAX_EXIT_MS = 60_000;

export class WorkerState {
  /** @param cells the memory of the other thread's state, to share it */
  constructor(readonly cells = new Int32Array(new SharedArrayBuffer(8))) {}

  /** The inference thread has one task more: to load, or to answer a request. */
  begin(): void {
    Atomics.add(this.cells, UNFINISHED, 1);
  }

  /** Called by the inference thread when a task is done. */
  end(): void {
    Atomics.sub(this.cells, UNFINISHED, 1);
    Atomics.notify(this.cells, UNFINISHED);
  }

  /** The process exits: tasks that have not begun are dropped. */
  get stopped(): boolean {
    return Atomics.load(this.cells, STOPPED) === 1;
  }

  /** Blocks until the inference thread has finished the task that it is in. */
  stop(): void {
    Atomics.store(this.cells, STOPPED, 1);
    const end = Date.now() + MAX_EXIT_MS;
    for (;;) {
      const unfinished = Atomics.load(this.cells, UNFINISHED);
      const left = end - Date.now();
      if (unfinished === 0 || left <= 0) {
        return;
      }
      Atomics.wait(this.cells, UNFINISHED, unfinished, left);
    }
  }
}
