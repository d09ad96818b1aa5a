import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { ModelSummary, ToolName } from 'moe-debugger/protocol';
import type { IToolLink } from '../tokens';
import type { KernelChannel } from './channel';
import type { IFollowedKernel } from './followed';

/** A tool of one notebook's kernel, used through the panel's channel. Opened when it is first shown. */
export class PanelTool implements IToolLink, IDisposable {
  constructor(private _options: PanelTool.IOptions) {
    _options.follower.changed.connect(this._update, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get isLive(): boolean {
    return this._id !== 0 && this._isOpen;
  }

  /** Kept when the kernel ends. */
  get state(): Readonly<Record<string, unknown>> | undefined {
    return this._state;
  }

  /** Why the kernel did not open it. */
  get error(): string | undefined {
    return this._error;
  }

  /** The current model, or the last one. */
  get model(): ModelSummary | undefined {
    return this._model;
  }

  /** Models that the tool can be opened for. */
  get models(): readonly ModelSummary[] {
    return this._options.follower.models.filter(
      ({ status }) => status !== 'disposed'
    );
  }

  /** Whether it is shown. Once opened it stays open. */
  set active(value: boolean) {
    if (value !== this._active) {
      this._active = value;
      this._update();
    }
  }

  /** Opens the tool for another model. */
  choose(modelId: string): void {
    if (modelId !== this._model?.id) {
      this._wanted = modelId;
      this._close();
      this._update();
    }
  }

  send(action: object): void {
    if (this.isLive) {
      this._channel?.send({ type: 'act', tool: this._id, action });
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._options.follower.changed.disconnect(this._update, this);
    this._channel?.received.disconnect(this._onReceived, this);
    Signal.clearData(this);
  }

  private _update(): void {
    const { channel } = this._options.follower;
    if (channel !== this._channel) {
      this._channel?.received.disconnect(this._onReceived, this);
      this._channel = channel;
      this._id = 0;
      this._isOpen = false;
      channel?.received.connect(this._onReceived, this);
    }
    const { models } = this;
    if (this._id !== 0 && models.every(({ id }) => id !== this._model?.id)) {
      this._close();
    }
    if (this._active && channel && this._id === 0) {
      this._open(channel, models);
    }
    this._changed.emit();
  }

  private _open(channel: KernelChannel, models: readonly ModelSummary[]): void {
    const model =
      models.find(({ id }) => id === this._wanted) ?? models[models.length - 1];
    if (model) {
      this._model = model;
      this._id = ++lastId;
      this._error = undefined;
      channel.send({
        type: 'open-tool',
        tool: this._id,
        name: this._options.name,
        modelId: model.id
      });
    }
  }

  private _close(): void {
    if (this._id !== 0) {
      this._channel?.send({ type: 'close-tool', tool: this._id });
    }
    this._id = 0;
    this._isOpen = false;
  }

  private _onReceived(_: KernelChannel, event: KernelChannel.Event): void {
    if (event.type === 'tool' && event.tool === this._id) {
      this._state = this._isOpen
        ? { ...this._state, ...event.patch }
        : event.patch;
      this._isOpen = true;
      this._changed.emit();
    } else if (event.type === 'tool-error' && event.tool === this._id) {
      this._error = event.message;
      this._changed.emit();
    }
  }

  private _active = false;
  private _changed = new Signal<this, void>(this);
  private _channel: KernelChannel | undefined;
  private _error: string | undefined;
  private _id = 0;
  private _isDisposed = false;
  private _isOpen = false;
  private _model: ModelSummary | undefined;
  private _state: Record<string, unknown> | undefined;
  private _wanted: string | undefined;
}

/** Tool numbers are unique in the page, so that a late answer never reaches another tool. */
let lastId = 0;

export namespace PanelTool {
  export interface IOptions {
    follower: IFollowedKernel;
    name: ToolName;
  }
}
