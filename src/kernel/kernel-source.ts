import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type {
  ExpertElement,
  FindingsState,
  ModelElement,
  ModelSummary,
  ProfileDocument,
  TokenPage,
  TokenQuestion,
  TraceOutline,
  TraceSummary
} from 'moe-debugger/protocol';
import type { ITraceSource } from '../source';
import type { KernelFollower } from './follower';
import { askKernel } from './questions';

/** Least time between two readings of a trace in the making, in milliseconds. */
const INTERVAL = 250;

/** The traces of a notebook's kernel. */
export class KernelSource implements ITraceSource, IDisposable {
  constructor(private _options: KernelSource.IOptions) {
    _options.follower.changed.connect(this._update, this);
    this._update();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get name(): string {
    return this._options.name();
  }

  get models(): readonly ModelSummary[] {
    return this._follower.models;
  }

  get traces(): readonly TraceSummary[] {
    return this._follower.traces;
  }

  get trace(): TraceSummary | undefined {
    return this._follower.selectedTrace ?? this._lastTrace;
  }

  get outline(): TraceOutline | undefined {
    return this._outline;
  }

  get findings(): FindingsState | undefined {
    return this._findings;
  }

  get isReading(): boolean {
    return this._pending > 0;
  }

  get error(): string | undefined {
    return this._error;
  }

  get isLive(): boolean {
    return this._follower.channel !== undefined && this._follower.has('tokens');
  }

  get isStale(): boolean {
    return this._outline !== undefined && !this._follower.channel;
  }

  get revision(): number {
    return this._revision;
  }

  select(traceId: string): void {
    this._follower.select(traceId);
  }

  diagnose(): void {
    const { trace } = this;
    if (trace) {
      void this._read(trace.id, channel =>
        askKernel(channel, { type: 'diagnose', id: trace.id }).then(
          findings => {
            if (this._shown === trace.id) {
              this._findings = findings;
            }
          }
        )
      );
    }
  }

  async tokens(question: TokenQuestion): Promise<TokenPage> {
    const { trace } = this;
    return this._ask(channel =>
      askKernel(channel, {
        type: 'list-tokens',
        // An id that no trace has is refused by the kernel.
        id: trace?.id ?? '',
        ...question
      })
    );
  }

  get model(): ModelSummary | undefined {
    if (!this._follower.has('elements')) {
      return undefined;
    }
    const ready = this.models.filter(({ status }) => status !== 'disposed');
    return (
      ready.find(({ id }) => id === this.trace?.modelId) ??
      ready[ready.length - 1]
    );
  }

  elements(modelId: string): Promise<ModelElement> {
    return this._ask(channel =>
      askKernel(channel, { type: 'elements', id: modelId })
    );
  }

  expert(
    modelId: string,
    layerIndex: number,
    expert: number
  ): Promise<ExpertElement> {
    return this._ask(channel =>
      askKernel(channel, { type: 'expert', id: modelId, layerIndex, expert })
    );
  }

  profile(sample: number, signal: AbortSignal): Promise<ProfileDocument> {
    const { trace } = this;
    return this._ask(channel =>
      askKernel(
        channel,
        {
          type: 'profile',
          id: trace?.modelId ?? '',
          trace: trace?.id ?? '',
          sample
        },
        signal
      )
    );
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._follower.changed.disconnect(this._update, this);
    this._growing?.disconnect(this._onGrown, this);
    Signal.clearData(this);
  }

  private async _ask<T>(
    ask: (channel: NonNullable<KernelFollower['channel']>) => Promise<T>
  ): Promise<T> {
    const { channel } = this._follower;
    if (!channel) {
      throw new Error('the kernel is not connected');
    }
    return ask(channel);
  }

  private get _follower(): KernelFollower {
    return this._options.follower;
  }

  private _update(): void {
    const { selectedTrace, routing } = this._follower;
    if (selectedTrace && this.isLive) {
      const key = [
        selectedTrace.id,
        selectedTrace.running ?? false,
        selectedTrace.coverage.tokens
      ].join('/');
      if (key !== this._key) {
        this._key = key;
        this._lastTrace = selectedTrace;
        if (selectedTrace.id !== this._shown) {
          this._shown = selectedTrace.id;
          this._outline = undefined;
          this._findings = undefined;
        }
        this._readOutline();
      }
    }
    // Rows of a trace in the making come through the model that draws them.
    const growing = selectedTrace?.running ? routing?.changed : undefined;
    if (growing !== this._growing) {
      this._growing?.disconnect(this._onGrown, this);
      this._growing = growing as typeof this._growing;
      growing?.connect(this._onGrown, this);
    }
    this._changed.emit();
  }

  private _onGrown(_: unknown, change: string): void {
    if (change === 'rows') {
      this._timer ??= setTimeout(() => {
        this._timer = undefined;
        this._readOutline();
      }, INTERVAL) as unknown as number;
    }
  }

  private _readOutline(): void {
    const id = this._shown;
    if (id !== undefined) {
      void this._read(id, channel =>
        askKernel(channel, { type: 'outline', id }).then(outline => {
          if (this._shown === id) {
            this._outline = outline;
            this._revision++;
          }
        })
      );
    }
  }

  /** Keeps what was there when the kernel does not answer. */
  private async _read(
    id: string,
    ask: (channel: NonNullable<KernelFollower['channel']>) => Promise<void>
  ): Promise<void> {
    const { channel } = this._follower;
    if (!channel) {
      return;
    }
    this._pending++;
    this._error = undefined;
    this._changed.emit();
    try {
      await ask(channel);
    } catch (error) {
      if (this._shown === id && this._follower.channel === channel) {
        this._error = error instanceof Error ? error.message : String(error);
      }
    } finally {
      this._pending--;
      if (!this._isDisposed) {
        this._changed.emit();
      }
    }
  }

  private _changed = new Signal<this, void>(this);
  private _error: string | undefined;
  private _findings: FindingsState | undefined;
  private _growing: ISignal<unknown, string> | undefined;
  private _isDisposed = false;
  private _key: string | undefined;
  private _lastTrace: TraceSummary | undefined;
  private _outline: TraceOutline | undefined;
  private _pending = 0;
  private _revision = 0;
  /** The id of the trace that the outline is of, or will be. */
  private _shown: string | undefined;
  private _timer: number | undefined;
}

export namespace KernelSource {
  export interface IOptions {
    follower: KernelFollower;
    /** The name of the notebook. */
    name: () => string;
  }
}
