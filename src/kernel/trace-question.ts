import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { FigureName, TraceSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';
import type { IFollowedKernel } from './followed';
import { nextRequest } from './questions';

/** A question to a notebook's kernel about one of its traces, and the answer: findings or a figure. */
export class TraceQuestion<
  Type extends TraceQuestion.Answer
> implements IDisposable {
  constructor(
    private _follower: IFollowedKernel,
    private _type: Type
  ) {
    _follower.changed.connect(this._update, this);
    this._update();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether an answer is pending. */
  get isRunning(): boolean {
    return this._request !== 0;
  }

  /** The last answer and its trace; kept when the kernel ends. */
  get result(): TraceQuestion.IResult<Type> | undefined {
    return this._result;
  }

  /** The error of the last question. */
  get error(): string | undefined {
    return this._error;
  }

  /** Asks about a trace; an answer to an earlier question is dropped. */
  ask(trace: TraceSummary, question: TraceQuestion.Asked): void {
    if (!this._channel) {
      return;
    }
    this._trace = trace;
    this._request = nextRequest();
    this._error = undefined;
    this._channel.send({
      ...question,
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
    const trace = this._trace;
    if (!trace || !('request' in event) || event.request !== this._request) {
      return;
    }
    if (isAnswer(event, this._type)) {
      this._result = { trace, state: event.state };
    } else if (event.type === `${this._type}-error`) {
      this._error = (event as { message: string }).message;
    } else {
      return;
    }
    this._request = 0;
    this._changed.emit();
  }

  private _changed = new Signal<this, void>(this);
  private _channel: KernelChannel | undefined;
  private _error: string | undefined;
  private _isDisposed = false;
  /** The pending request; 0 for none. */
  private _request = 0;
  private _result: TraceQuestion.IResult<Type> | undefined;
  private _trace: TraceSummary | undefined;
}

function isAnswer<Type extends keyof KernelChannel.IAnswers>(
  event: KernelChannel.Event,
  type: Type
): event is KernelChannel.Event & { state: KernelChannel.IAnswers[Type] } {
  return event.type === type;
}

export namespace TraceQuestion {
  export type Asked =
    | { type: 'diagnose' }
    | { type: 'draw'; name: FigureName; layerIndex: number };

  export type Answer = 'findings' | 'figure';

  export interface IResult<Type extends Answer> {
    trace: TraceSummary;
    state: KernelChannel.IAnswers[Type];
  }
}
