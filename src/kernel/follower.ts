import type { ISessionContext } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import {
  KERNEL_NAME,
  PROTOCOL_VERSION,
  type Ability,
  type ModelSummary,
  type PreviousEnd,
  type RunStep,
  type ToolName,
  type TraceSummary,
  type View
} from 'moe-debugger/protocol';
import { RoutingModel } from '../routing/model';
import type { IPreferences } from '../tokens';
import { FrameAnswers } from '../drawing';
import { KernelChannel } from './channel';
import { PanelTool } from './panel-tool';
import { nextRequest } from './questions';

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

  /** The id of the trace that the picture shows; undefined when that process has ended. */
  get shownTrace(): string | undefined {
    return this._pictured;
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
      if (this._followed !== undefined) {
        // The kernel sends no rows now: what was missed is fetched.
        this._followed = undefined;
        this._shown = undefined;
        this._fetched = undefined;
      }
    } else if (this._channel && this._status === 'ready') {
      this._channel.send({ type: 'subscribe' });
    } else {
      this._connect();
    }
  }

  /**
   * Whether a view draws the picture. If none does, a trace is selected without its arrays, which can be large; one in the
   * making is fetched all the same, since its rows tell that it grows.
   */
  get drawsPicture(): boolean {
    return this._drawsPicture;
  }
  set drawsPicture(value: boolean) {
    this._drawsPicture = value;
    const selected = this.selectedTrace;
    if (value && selected && fingerprint(selected) !== this._fetched) {
      this._fetch(selected.id);
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
    this._answers.dispose();
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
    this._followed = undefined;
    this._routing?.end();
    this._kernelVersion = undefined;
    this._models = [];
    this._traces = [];
    this._selected = undefined;
    this._shown = undefined;
    this._fetched = undefined;
    this._pictured = undefined;
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
          this._checkFollowed();
          this._follow();
        }
        break;
      case 'trace':
        if (event.request === this._request) {
          this._request = 0;
          this._show(event.view, event.steps);
        }
        break;
      case 'rows':
        // The view follows its model; the rest of the panel does not change.
        this._append(channel, event);
        return;
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
      case 'outline':
      case 'outline-error':
      case 'tokens':
      case 'tokens-error':
      case 'model-elements':
      case 'model-elements-error':
      case 'expert-element':
      case 'expert-element-error':
      case 'profile':
      case 'profile-error':
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

  /** An error in the kernel may have ended the trace in the making. */
  private _checkFollowed(): void {
    if (
      this._followed !== undefined &&
      this._traces.every(({ id }) => id !== this._followed)
    ) {
      this._followed = undefined;
      this._routing?.end();
    }
  }

  private _fetch(id: string): void {
    const summary = this._traces.find(trace => trace.id === id);
    if (!summary || !this._channel) {
      return;
    }
    if (this._followed !== undefined && this._followed !== id) {
      this._channel.send({ type: 'unfollow', id: this._followed });
    }
    const follow = summary.running === true && this.has('live');
    this._followed = follow ? id : undefined;
    this._selected = id;
    this._shown = fingerprint(summary);
    this._error = undefined;
    if (!this._drawsPicture && !summary.running) {
      // An answer that is under way is of another trace.
      this._request = 0;
      this._routing?.end();
      return;
    }
    this._fetched = this._shown;
    this._request = nextRequest();
    this._channel.send({
      type: 'get-trace',
      request: this._request,
      id,
      ...(follow ? { follow } : {})
    });
  }

  private _show(view: View, steps: readonly RunStep[]): void {
    const isLive = this._followed !== undefined;
    // A trace in the making has grown since it was listed.
    const coverage = isLive ? undefined : this.selectedTrace?.coverage;
    const run = { steps, isLive };
    this._isStale = false;
    this._pictured = this._selected;
    if (this._routing) {
      this._routing.setView(view, coverage, run);
    } else {
      this._routing = new RoutingModel({
        view,
        coverage,
        run,
        measure: this._options.preferences.measure
      });
    }
  }

  private _append(
    channel: KernelChannel,
    { batch, rows }: Extract<KernelChannel.Event, { type: 'rows' }>
  ): void {
    // While another trace is asked for, the model still shows the old one.
    if (rows.trace !== this._followed || this._request !== 0) {
      return;
    }
    try {
      if (!this._routing?.append(rows)) {
        this._fetch(rows.trace);
        return;
      }
    } catch (error) {
      channel.send({ type: 'unfollow', id: rows.trace });
      this._followed = undefined;
      this._error = error instanceof Error ? error.message : String(error);
      this._changed.emit();
      return;
    }
    this._answers.add(batch);
  }

  private _setStatus(status: KernelFollower.Status): void {
    if (status !== this._status) {
      this._status = status;
      this._changed.emit();
    }
  }

  private _active = false;
  /** Tells the kernel which rows are drawn. */
  private _answers = new FrameAnswers(batch => {
    if (this._followed !== undefined) {
      this._channel?.send({ type: 'drawn', id: this._followed, batch });
    }
  });
  private _changed = new Signal<this, void>(this);
  private _channel: KernelChannel | undefined;
  private _drawsPicture = true;
  private _error: string | undefined;
  /** The fingerprint of the trace whose arrays were asked for last. */
  private _fetched: string | undefined;
  /** The trace in the making whose rows the kernel sends. */
  private _followed: string | undefined;
  private _followsNewest = true;
  private _isDisposed = false;
  private _pictured: string | undefined;
  private _previousEnd: PreviousEnd | undefined;
  private _isStale = false;
  private _kernelVersion: number | undefined;
  private _models: ModelSummary[] = [];
  /** The pending request; 0 for none. Answers to older requests are dropped. */
  private _request = 0;
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

/** Changes when a trace is finished, unlike its id; while it is made, its rows are sent. */
function fingerprint({ id, running, coverage, samples }: TraceSummary): string {
  return running
    ? `${id}/running`
    : [id, samples, coverage.tokens, coverage.slots].join('/');
}
