import type { IDisposable } from '@lumino/disposable';
import type { RoutingModel } from '../routing/model';
import type { Selection } from '../source';
import type { KernelFollower } from './follower';

/**
 * Keeps the heatmap of a kernel's trace and the selection alike: a choice in one is the choice in the other. Another trace
 * ends what was chosen in the one before.
 */
export class LinkedSelection implements IDisposable {
  constructor(
    private _follower: KernelFollower,
    private _selection: Selection
  ) {
    _follower.changed.connect(this._onFollower, this);
    _selection.changed.connect(this._onSelection, this);
    this._onFollower();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._follower.changed.disconnect(this._onFollower, this);
    this._selection.changed.disconnect(this._onSelection, this);
    this._routing?.changed.disconnect(this._onRouting, this);
  }

  private _onFollower(): void {
    const { routing, selected, shownTrace } = this._follower;
    if (routing !== this._routing) {
      this._routing?.changed.disconnect(this._onRouting, this);
      this._routing = routing;
      routing?.changed.connect(this._onRouting, this);
    }
    const { trace } = this._selection.current;
    if (selected !== undefined && selected !== trace) {
      this._selection.set({
        trace: selected,
        sample: undefined,
        token: undefined,
        expert: undefined
      });
    }
    // A picture comes after its trace was selected, and something in it may be by now.
    if (shownTrace !== this._shownTrace) {
      this._shownTrace = shownTrace;
      this._onSelection();
    }
  }

  private _onSelection(): void {
    const { trace, sample, layerIndex, token, expert } =
      this._selection.current;
    const follower = this._follower;
    if (
      trace !== undefined &&
      trace !== follower.selected &&
      follower.traces.some(({ id }) => id === trace)
    ) {
      follower.select(trace);
    }
    const routing = this._routing;
    if (
      !routing ||
      this._isLinking ||
      follower.shownTrace !== trace ||
      // A picture has the first samples of many.
      (sample ?? 0) >= routing.view.samples.length
    ) {
      return;
    }
    this._linked(() => {
      if (sample !== undefined) {
        routing.setSampleIndex(0, sample);
      }
      routing.layerIndex = layerIndex;
      if (token !== undefined && expert !== undefined) {
        const at = tokenInPane(routing, token);
        if (at !== undefined) {
          routing.cursor = { pane: 0, token: at, expert };
        }
      }
    });
  }

  private _onRouting(_: RoutingModel, change: RoutingModel.Change): void {
    const routing = this._routing;
    if (
      !routing ||
      this._isLinking ||
      this._follower.shownTrace !== this._selection.current.trace
    ) {
      return;
    }
    const { layerIndex, cursor } = routing;
    this._linked(() => {
      if (change === 'layer') {
        this._selection.set({ layerIndex }, { moving: 'heatmap' });
      } else if (change === 'sample') {
        this._selection.set({
          sample: routing.sampleIndex(0),
          layerIndex,
          token: undefined,
          expert: undefined
        });
      } else if (change === 'cursor' && cursor?.pane === 0) {
        const sample = routing.sampleIndex(0);
        this._selection.set(
          {
            sample,
            layerIndex,
            token: firstToken(routing, sample) + cursor.token,
            expert: cursor.expert
          },
          { moving: 'heatmap' }
        );
      }
    });
  }

  /** A change that follows from a change here is none of the user's. */
  private _linked(change: () => void): void {
    this._isLinking = true;
    try {
      change();
    } finally {
      this._isLinking = false;
    }
  }

  private _isDisposed = false;
  private _isLinking = false;
  private _routing: RoutingModel | undefined;
  private _shownTrace: string | undefined;
}

/**
 * Index among all tokens of the trace of the first one that the layer in view routes: tokens of an encoder stand before
 * those of its decoder.
 */
function firstToken(routing: RoutingModel, sample: number): number {
  const { samples } = routing.view;
  const before = samples
    .slice(0, sample)
    .reduce(
      (sum, { tokens, encoderTokens }) =>
        sum + tokens.length + (encoderTokens?.length ?? 0),
      0
    );
  return routing.layer(0)?.stack === 'encoder'
    ? before
    : before + (samples[sample].encoderTokens?.length ?? 0);
}

/** The index of a token in the heatmap; undefined where the layer in view does not route it. */
function tokenInPane(routing: RoutingModel, token: number): number | undefined {
  const at = token - firstToken(routing, routing.sampleIndex(0));
  return at >= 0 && at < routing.tokens(0).length ? at : undefined;
}
