/**
 * Whose turn it is in the engine, which serves one request after the other. A task that watches its turns learns that
 * its requests wait behind those of others.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Called when a task begins to wait, with true, and when its turn comes, with false. */
export type TurnListener = (waits: boolean) => void;

class Task {
  /** Requests that were not answered yet. */
  unanswered = 0;
  private _waits = false;

  constructor(private readonly _listener: TurnListener) {}

  tell(waits: boolean): void {
    if (waits !== this._waits) {
      this._waits = waits;
      this._listener(waits);
    }
  }
}

/** The task that the running code belongs to, across awaits. */
const tasks = new AsyncLocalStorage<Task>();

/** Runs a task; the listener hears of the turns of all requests that it makes. */
export function watchTurns<T>(
  listener: TurnListener,
  work: () => Promise<T>
): Promise<T> {
  return tasks.run(new Task(listener), work);
}

/** The requests of an engine, in the order in which it serves them. */
export class Turns {
  /** By request; undefined for one whose sender does not watch. */
  private readonly _queue = new Map<number, Task | undefined>();

  /** A request was sent. */
  enter(id: number): void {
    const task = tasks.getStore();
    this._queue.set(id, task);
    if (task) {
      task.unanswered++;
      this._tell(task);
    }
  }

  /** A request was answered. */
  leave(id: number): void {
    const task = this._queue.get(id);
    this._queue.delete(id);
    if (task) {
      task.unanswered--;
      this._tell(task);
    }
    this._tell(this._served);
  }

  /** The engine is gone, and with it all requests. */
  clear(): void {
    const left = [...this._queue.keys()];
    left.forEach(id => this.leave(id));
  }

  /** The task whose request the engine works on. */
  private get _served(): Task | undefined {
    const [first] = this._queue.values();
    return first;
  }

  private _tell(task: Task | undefined): void {
    task?.tell(task.unanswered > 0 && task !== this._served);
  }
}
