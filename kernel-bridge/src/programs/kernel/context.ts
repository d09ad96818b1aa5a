/** Tracks the request that the running code belongs to, across awaits, timers and callbacks. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Header } from './wire';

export interface Context {
  /** The request being served: the parent of status and comm messages. */
  readonly request: Header;
  /**
   * The cell under which output appears: output of a comm callback goes to the cell that registered it. Absent for other
   * code.
   */
  readonly cell?: Header;
  /** A silent request shows no output. */
  readonly silent?: boolean;
}

/** Parent of output messages, and whether to send them. */
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

  /** The caller's context. */
  get active(): Context | undefined {
    return this._storage.getStore();
  }

  /** Like IPython, code without a cell prints under the last one. */
  set lastCell(cell: Header) {
    this._lastCell = cell;
  }

  /** Output target of the caller; undefined before the first cell. */
  get output(): OutputTarget | undefined {
    return this.outputOf(this.active);
  }

  outputOf(context: Context | undefined): OutputTarget | undefined {
    const parent = context?.cell ?? this._lastCell ?? context?.request;
    return parent && { parent, silent: context?.silent ?? false };
  }
}
