import type { ISessionContext } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import {
  KERNEL_NAME,
  PROTOCOL_VERSION,
  type Ability,
  type ModelSummary,
  type PreviousEnd,
  type ToolName,
  type TraceSummary,
  type View
} from 'moe-debugger/protocol';
import { RoutingModel } from '../routing/model';
import type { IPreferences } from '../tokens';
import { KernelChannel } from './channel';
import { PanelTool } from './panel-tool';

/**
 * Follows the kernel of one notebook. Works only while `active`; keeps the last picture after a restart
 * and while another notebook is shown.
 */
export class KernelFollower implements IDisposable {
  constructor(private _options: KernelFollower.IOptions) {
    const { sessionContext } = _options;
    sessionContext.kernelChanged.connect(this._onKernelChanged, this);
    sessionContext.statusChanged.connect(this._onStatusChanged, this);
    sessionContext.connectionStatusChanged.connect(this._onStatusChanged, this);
    this._onStatusChanged();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get sessionContext(): ISessionContext {
    return this._options.sessionContext;
  }

  get status(): KernelFollower.Status {
    return this._status;
  }

  /** Whether the notebook has our kernel, in any state. */
  get isOurs(): boolean {
    return this._status !== 'other-kernel' && this._status !== 'no-kernel';
  }

  /** The kernel's protocol version; undefined before it is known. */
  get kernelVersion(): number | undefined {
    return this._kernelVersion;
  }

  get models(): readonly ModelSummary[] {
    return this._models;
  }

  /** Newest first. */
  get traces(): readonly TraceSummary[] {
    return this._traces;
  }

  /** The id of the trace that the picture shows, or will show when it arrives. */
  get selected(): string | undefined {
    return this._selected;
  }

  get selectedTrace(): TraceSummary | undefined {
    return this._traces.find(({ id }) => id === this._selected);
  }

  /** The picture: the last trace that arrived. */
  get routing(): RoutingModel | undefined {
    return this._routing;
  }

  /** How the kernel before this one ended, if it was not shut down. */
  get previousEnd(): PreviousEnd | undefined {
    return this._previousEnd;
  }

  /** Whether the picture is from a process that has ended. */
  get isStale(): boolean {
    return this._isStale;
  }

  /** The kernel's last error. */
  get error(): string | undefined {
    return this._error;
  }

  /** The connection to the kernel; undefined unless both sides have the same protocol version. */
  get channel(): KernelChannel | undefined {
    return this._status === 'ready' ? this._channel : undefined;
  }

  /** Whether this kernel has an ability: it may be older than the panel. */
  has(tool: Ability): boolean {
    return this._toolNames.includes(tool);
  }

  /** The tool of that name; there is one of each kind. */
  tool(name: ToolName): PanelTool {
    let tool = this._tools.get(name);
    if (!tool) {
      tool = new PanelTool({ follower: this, name });
      this._tools.set(name, tool);
    }
    return tool;
  }

  /** False while the panel is hidden or shows another notebook: the kernel then sends nothing. */
  get active(): boolean {
    return this._active;
  }
  set active(value: boolean) {
    if (value === this._active) {
      return;
    }
    this._active = value;
    if (!value) {
      this._channel?.send({ type: 'unsubscribe' });
    } else if (this._channel && this._status === 'ready') {
      this._channel.send({ type: 'subscribe' });
    } else {
      this._connect();
    }
  }

  /** Selects a trace. After selecting the newest, newer ones are selected automatically. */
  select(id: string): void {
    this._followsNewest = id === this._traces[0]?.id;
    this._fetch(id);
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    const { sessionContext } = this._options;
    sessionContext.kernelChanged.disconnect(this._onKernelChanged, this);
    sessionContext.statusChanged.disconnect(this._onStatusChanged, this);
    sessionContext.connectionStatusChanged.disconnect(
      this._onStatusChanged,
      this
    );
    this._channel?.close();
    this._channel = undefined;
    this._routing?.dispose();
    this._tools.forEach(tool => tool.dispose());
    Signal.clearData(this);
  }

  private _onKernelChanged(): void {
    this._disconnect();
    this._onStatusChanged();
  }

  private _onStatusChanged(): void {
    const kernel = this.sessionContext.session?.kernel;
    if (!kernel) {
      this._disconnect();
      this._setStatus('no-kernel');
    } else if (kernel.name !== KERNEL_NAME) {
      this._disconnect();
      this._setStatus('other-kernel');
    } else {
      switch (kernel.status) {
        case 'restarting':
        case 'autorestarting':
        case 'terminating':
          this._disconnect();
          this._setStatus('restarting');
          break;
        case 'dead':
          this._disconnect();
          this._setStatus('dead');
          break;
        case 'unknown':
        case 'starting':
          this._setStatus(
            this._status === 'restarting' ? 'restarting' : 'connecting'
          );
          break;
        default:
          this._connect();
      }
    }
  }

  private _connect(): void {
    const kernel = this.sessionContext.session?.kernel;
    if (this._channel?.isLost) {
      this._disconnect();
    }
    if (
      !this._active ||
      this._channel ||
      this._status === 'closed' ||
      kernel?.name !== KERNEL_NAME ||
      kernel.connectionStatus !== 'connected' ||
      !['idle', 'busy'].includes(kernel.status)
    ) {
      return;
    }
    const channel = new KernelChannel(kernel);
    this._channel = channel;
    channel.received.connect(this._onReceived, this);
    this._setStatus('connecting');
    channel.open();
  }

  /** Clears the state of the kernel's process; the picture stays, marked as stale. */
  private _disconnect(): void {
    this._channel?.dispose();
    this._channel = undefined;
    this._kernelVersion = undefined;
    this._models = [];
    this._traces = [];
    this._selected = undefined;
    this._shown = undefined;
    this._request = 0;
    this._followsNewest = true;
    this._error = undefined;
    this._isStale = this._routing !== undefined;
  }

  private _onReceived(
    channel: KernelChannel,
    event: KernelChannel.Event
  ): void {
    if (channel !== this._channel) {
      return;
    }
    switch (event.type) {
      case 'hello':
        this._kernelVersion = event.version;
        this._toolNames = event.tools;
        this._previousEnd = event.previousEnd;
        if (event.version === PROTOCOL_VERSION) {
          this._setStatus('ready');
          if (!this._active) {
            channel.send({ type: 'unsubscribe' });
          }
        } else {
          channel.send({ type: 'unsubscribe' });
          this._setStatus('version');
        }
        break;
      case 'state':
        if (this._status === 'ready') {
          this._models = event.models;
          this._traces = event.traces;
          this._follow();
        }
        break;
      case 'trace':
        if (event.request === this._request) {
          this._request = 0;
          this._show(event.view);
        }
        break;
      case 'error':
        if (event.request === undefined || event.request === this._request) {
          this._request = 0;
          this._error = event.message;
        }
        break;
      case 'tool':
      case 'tool-error':
      case 'findings':
      case 'findings-error':
      case 'figure':
      case 'figure-error':
        // Handled by the tool or the question: tokens stream, and the rest of the panel does not change.
        return;
      case 'closed':
        this._disconnect();
        this._setStatus('closed');
        break;
    }
    this._changed.emit();
  }

  /** Fetches the newest trace, if live updates are on. */
  private _follow(): void {
    const [newest] = this._traces;
    if (
      newest &&
      this._followsNewest &&
      (this._options.preferences.liveUpdates || !this._routing) &&
      fingerprint(newest) !== this._shown
    ) {
      this._fetch(newest.id);
    }
  }

  private _fetch(id: string): void {
    const summary = this._traces.find(trace => trace.id === id);
    if (!summary || !this._channel) {
      return;
    }
    this._selected = id;
    this._shown = fingerprint(summary);
    this._error = undefined;
    this._request = ++this._requests;
    this._channel.send({ type: 'get-trace', request: this._request, id });
  }

  private _show(view: View): void {
    const coverage = this.selectedTrace?.coverage;
    this._isStale = false;
    if (this._routing) {
      this._routing.setView(view, coverage);
    } else {
      this._routing = new RoutingModel({
        view,
        coverage,
        measure: this._options.preferences.measure
      });
    }
  }

  private _setStatus(status: KernelFollower.Status): void {
    if (status !== this._status) {
      this._status = status;
      this._changed.emit();
    }
  }

  private _active = false;
  private _changed = new Signal<this, void>(this);
  private _channel: KernelChannel | undefined;
  private _error: string | undefined;
  private _followsNewest = true;
  private _isDisposed = false;
  private _previousEnd: PreviousEnd | undefined;
  private _isStale = false;
  private _kernelVersion: number | undefined;
  private _models: ModelSummary[] = [];
  /** The pending request; 0 for none. Answers to older requests are dropped. */
  private _request = 0;
  private _requests = 0;
  private _routing: RoutingModel | undefined;
  private _selected: string | undefined;
  private _shown: string | undefined;
  private _status: KernelFollower.Status = 'no-kernel';
  private _toolNames: readonly Ability[] = [];
  private _tools = new Map<ToolName, PanelTool>();
  private _traces: TraceSummary[] = [];
}

export namespace KernelFollower {
  export interface IOptions {
    sessionContext: ISessionContext;
    preferences: IPreferences;
  }

  export type Status =
    | 'no-kernel'
    /** A kernel that is not ours. */
    | 'other-kernel'
    | 'connecting'
    | 'ready'
    | 'restarting'
    | 'dead'
    /** The kernel closed the channel. */
    | 'closed'
    /** The kernel has another protocol version. */
    | 'version';
}

/** Changes when a trace grows, unlike its id. */
function fingerprint({ id, coverage, samples }: TraceSummary): string {
  return [id, samples, coverage.tokens, coverage.slots].join('/');
}
