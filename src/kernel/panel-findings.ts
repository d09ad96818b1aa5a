import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { TraceSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';
import type { KernelFollower } from './follower';

/** The findings of one trace of a notebook's kernel, made when somebody asks for them. */
export class PanelFindings implements IDisposable {
  constructor(private _follower: KernelFollower) {
    _follower.changed.connect(this._update, this);
    this._update();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether an answer is waited for. */
  get isRunning(): boolean {
    return this._request !== 0;
  }

  /** What there is, and of which trace; stays when the kernel is gone, as the picture does. */
  get result(): PanelFindings.IResult | undefined {
    return this._result;
  }

  /** Why there is nothing new. */
  get error(): string | undefined {
    return this._error;
  }

  /** Asks for the findings of a trace; an answer to an earlier question is dropped. */
  diagnose(trace: TraceSummary): void {
    if (!this._channel) {
      return;
    }
    this._trace = trace;
    this._request = ++lastRequest;
    this._error = undefined;
    this._channel.send({
      type: 'diagnose',
      request: this._request,
      id: trace.id
    });
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._follower.changed.disconnect(this._update, this);
    this._channel?.received.disconnect(this._onReceived, this);
    Signal.clearData(this);
  }

  private _update(): void {
    const { channel } = this._follower;
    if (channel !== this._channel) {
      this._channel?.received.disconnect(this._onReceived, this);
      this._channel = channel;
      this._request = 0;
      channel?.received.connect(this._onReceived, this);
    }
    this._changed.emit();
  }

  private _onReceived(_: KernelChannel, event: KernelChannel.Event): void {
    if (
      (event.type === 'findings' || event.type === 'findings-error') &&
      event.request === this._request &&
      this._trace
    ) {
      this._request = 0;
      if (event.type === 'findings') {
        this._result = { trace: this._trace, state: event.state };
      } else {
        this._error = event.message;
      }
      this._changed.emit();
    }
  }

  private _changed = new Signal<this, void>(this);
  private _channel: KernelChannel | undefined;
  private _error: string | undefined;
  private _isDisposed = false;
  /** The question that is waited for; 0 for none. */
  private _request = 0;
  private _result: PanelFindings.IResult | undefined;
  private _trace: TraceSummary | undefined;
}

/** Questions are numbered through the page, so that no late answer meets another one. */
let lastRequest = 0;

export namespace PanelFindings {
  export interface IResult {
    trace: TraceSummary;
    /** As the kernel sent it. */
    state: unknown;
  }
}
