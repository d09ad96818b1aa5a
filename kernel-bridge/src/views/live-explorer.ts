/** Widget that shows what a session runs, while it runs: each generation grows token by token, and stays when it is done. */
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { extractBuffers, type RunStep } from '../base/protocol';
import { LiveFeed, type FeedMessage } from '../run/trace/live-feed';
import type { RoutingTrace } from '../run/trace/routing-trace';
import type { RunningTrace } from '../run/trace/running-trace';
import { DOMWidget, type Widget } from '../show/widgets/widget';
import { explorerDocument } from './explorer-document';
import { EXPLORER_CLASSES, type ExplorerState } from './routing-explorer';

/** Where the traces come from. */
export interface LiveSource {
  readonly name: string;
  /** Kept traces, the oldest first. */
  readonly traces: readonly RoutingTrace[];
  /** Calls back with each trace that begins and each that is finished; returns a function that stops it. */
  watch(watcher: LiveWatcher): () => void;
}

export interface LiveWatcher {
  began(running: RunningTrace): void;
  traced(trace: RoutingTrace): void;
}

interface LiveState extends ExplorerState {
  /** A trace is to come, whatever is shown now. */
  waits: boolean;
  /** The trace in the making whose rows follow; empty for a finished one. */
  live: string;
  steps: RunStep[];
}

export class LiveExplorer implements Displayable {
  private readonly _widget: Widget<LiveState>;
  private readonly _stop: () => void;
  private _running: RunningTrace | undefined;
  private _feed: LiveFeed | undefined;

  /**
   * @internal use `session.explorer()`
   * @throws MoEDebuggerError 'environment' outside the kernel
   */
  constructor(private readonly _source: LiveSource) {
    const newest = _source.traces.at(-1);
    this._widget = new DOMWidget<LiveState>(EXPLORER_CLASSES, {
      layer_index: 0,
      measure: 'weight',
      waits: true,
      live: '',
      steps: [],
      view_document: newest
        ? explorerDocument(newest.model, newest.samples)
        : null
    });
    this._widget.onCustom(content => this._receive(content));
    this._stop = _source.watch({
      began: running => this._begin(running),
      traced: trace => this._finish(trace)
    });
    this._widget.onClose(() => this._end());
  }

  /** Removes the widget. May be called repeatedly. */
  close(): void {
    this._widget.close();
    this._end();
  }

  toString(): string {
    return `LiveExplorer of session ${this._source.name}`;
  }

  async [MIMEBUNDLE](): Promise<JsonObject> {
    return {
      ...(await this._widget[MIMEBUNDLE]()),
      'text/plain': this.toString()
    };
  }

  private _begin(running: RunningTrace): void {
    this._running = running;
    this._show(running);
  }

  /** Sends what there is, and each row after it. */
  private _show(running: RunningTrace): void {
    this._feed?.dispose();
    void this._widget.set({
      live: running.id,
      steps: [...running.steps],
      view_document: explorerDocument(running.model, [running.sample])
    });
    this._feed = new LiveFeed(
      running,
      { rows: running.tokens, steps: running.steps.length },
      message => this._send(message)
    );
  }

  private _finish(trace: RoutingTrace): void {
    // Of prompts side by side the last one that began is shown.
    if (this._running && this._running.id !== trace.id) {
      return;
    }
    this._feed?.dispose();
    this._running = undefined;
    const [first] = trace.samples;
    void this._widget.set({
      live: '',
      steps: [...(trace.steps.get(first.id) ?? [])],
      view_document: explorerDocument(trace.model, trace.samples)
    });
  }

  private _send({ batch, rows }: FeedMessage): void {
    const { state, bufferPaths, buffers } = extractBuffers(rows);
    this._widget.send(
      { type: 'rows', batch, rows: state, bufferPaths },
      buffers
    );
  }

  /** From the page: untrusted. */
  private _receive(content: JsonObject): void {
    if (content.type === 'drawn' && Number.isSafeInteger(content.batch)) {
      this._feed?.answer(content.batch as number);
    } else if (content.type === 'follow' && this._running) {
      this._show(this._running);
    }
  }

  private _end(): void {
    this._stop();
    this._feed?.dispose();
  }
}
