/** Which request the running code belongs to, across awaits, timers and callbacks. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Header } from './wire';

export interface Context {
  /** The request being served: the parent of status and comm messages. */
  readonly request: Header;
  /**
   * The cell under which output appears: a comm callback prints under the cell that registered it. Absent when no
   * cell did.
   */
  readonly cell?: Header;
  /** A silent request shows no output. */
  readonly silent?: boolean;
}

/** Parent of output messages, and whether they are to be sent at all. */
export interface OutputTarget {
  parent: Header;
  silent: boolean;
}

export class Contexts {
  private readonly _storage = new AsyncLocalStorage<Context>();
  private _lastCell: Header | undefined;

  run<T>(context: Context, task: () => T): T {
    return this._storage.run(context, task);
  }

  /** The context in which the caller runs. */
  get active(): Context | undefined {
    return this._storage.getStore();
  }

  /** Code that belongs to no cell prints, as in IPython, under the last one. */
  set lastCell(cell: Header) {
    this._lastCell = cell;
  }

  /** Where output of the caller goes; undefined before the first cell. */
  get output(): OutputTarget | undefined {
    return this.outputOf(this.active);
  }

  outputOf(context: Context | undefined): OutputTarget | undefined {
    const parent = context?.cell ?? this._lastCell ?? context?.request;
    return parent && { parent, silent: context?.silent ?? false };
  }
}
