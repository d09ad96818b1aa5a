import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { ToolState } from 'moe-debugger/protocol';
import type { IToolLink } from '../tokens';

/** Milliseconds after which a tool says that it waits. Most answers come sooner, and a line that flickers disturbs. */
const PATIENCE = 500;

/**
 * The state of a tool on the page: that of the tool in the kernel while there is one, else the stored state. It is
 * validated here, as untrusted input.
 */
export class ToolModel<
  State extends ToolState,
  Action extends object
> implements IDisposable {
  /** @param options.state is validated, like the state from a link. @throws ProtocolError if it is invalid */
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

  /** Whether a kernel can perform actions. */
  get isLive(): boolean {
    return this._link?.isLive ?? false;
  }

  /** Whether a task of this tool runs in the kernel. */
  get isRunning(): boolean {
    return this.isLive && this._state.running;
  }

  /**
   * Whether the last action waits: the kernel has not received it yet, since it runs a cell, or the engine runs requests of cells
   * and other tools first. False for a kernel that tells neither.
   */
  get isWaiting(): boolean {
    return (
      this.isLive && (this._isUnanswered || this._link?.state?.queued === true)
    );
  }

  /** The state that an output stores: with that of the view. */
  get stored(): State {
    return this._state;
  }

  /** Why the kernel's last state is invalid. */
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
      this._expectAnswer();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._link?.changed.disconnect(this._onLink, this);
    this._link = undefined;
    Signal.clearData(this);
  }

  /** Called before the signal, to adapt the state of the view to a new state. */
  protected onState(): void {
    // The default is a view without state of its own.
  }

  /** Announces a change of the view's own state. */
  protected emit(): void {
    this._changed.emit('view');
  }

  /** Announces that the tool waits, unless the kernel begins soon. */
  private _expectAnswer(): void {
    this._unanswered = this._link?.state?.acted;
    clearTimeout(this._timer);
    if (typeof this._unanswered === 'number') {
      this._timer = window.setTimeout(() => {
        this._isUnanswered = true;
        this.emit();
      }, PATIENCE);
    }
  }

  private _onLink(): void {
    const state = this._link?.state;
    if (state?.acted !== this._unanswered) {
      clearTimeout(this._timer);
      this._isUnanswered = false;
    }
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
  private _isUnanswered = false;
  private _link: IToolLink | undefined;
  private _state: State;
  private _timer: number | undefined;
  /** The kernel's count of actions when the last one was sent. */
  private _unanswered: unknown;
}

export namespace ToolModel {
  export interface IOptions<State> {
    modelName: string;
    /** Not yet validated. */
    state: unknown;
    /** @throws ProtocolError */
    read: (value: unknown) => State;
  }

  /** 'state': the kernel's state or the connection; 'view': the view's own state. */
  export type Change = 'state' | 'view';
}
