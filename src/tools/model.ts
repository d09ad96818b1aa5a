import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { ToolState } from 'moe-debugger/protocol';
import type { IToolLink } from '../tokens';

/**
 * What a tool's view shows: the state of the tool in the kernel while there is one, else what was stored. What a
 * stranger may have written is checked here.
 */
export class ToolModel<
  State extends ToolState,
  Action extends object
> implements IDisposable {
  /** @param options.state is read as what a link tells is. @throws ProtocolError when it cannot be */
  constructor(private _options: ToolModel.IOptions<State>) {
    this._state = _options.read(_options.state);
  }

  get changed(): ISignal<this, ToolModel.Change> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The name of the model that the tool works on. */
  get modelName(): string {
    return this._options.modelName;
  }

  get state(): State {
    return this._state;
  }

  /** Whether there is a kernel to do what is asked. */
  get isLive(): boolean {
    return this._link?.isLive ?? false;
  }

  /** Whether the kernel works for this tool now. */
  get isRunning(): boolean {
    return this.isLive && this._state.running;
  }

  /** What an output keeps: the state, and what the view itself remembers. */
  get stored(): State {
    return this._state;
  }

  /** What the kernel sent and could not be read. */
  get error(): Error | undefined {
    return this._error;
  }

  /** The tool in the kernel; undefined when there is none. */
  set link(link: IToolLink | undefined) {
    this._link?.changed.disconnect(this._onLink, this);
    this._link = link;
    link?.changed.connect(this._onLink, this);
    this._onLink();
  }

  send(action: Action): void {
    if (this.isLive) {
      this._link?.send(action);
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._link?.changed.disconnect(this._onLink, this);
    this._link = undefined;
    Signal.clearData(this);
  }

  /** Called before the signal, to keep what a view remembers in step with a new state. */
  protected onState(): void {
    // A tool without a memory of its own has nothing to do.
  }

  /** For what the view itself remembers. */
  protected emit(): void {
    this._changed.emit('view');
  }

  private _onLink(): void {
    const state = this._link?.state;
    if (state) {
      try {
        this._state = this._options.read(state);
        this._error = undefined;
      } catch (error) {
        this._error = error as Error;
      }
      this.onState();
    }
    this._changed.emit('state');
  }

  private _changed = new Signal<this, ToolModel.Change>(this);
  private _error: Error | undefined;
  private _isDisposed = false;
  private _link: IToolLink | undefined;
  private _state: State;
}

export namespace ToolModel {
  export interface IOptions<State> {
    modelName: string;
    /** Not yet checked. */
    state: unknown;
    /** @throws ProtocolError */
    read: (value: unknown) => State;
  }

  /** The kernel's state or the connection to it, or what only this view remembers. */
  export type Change = 'state' | 'view';
}
