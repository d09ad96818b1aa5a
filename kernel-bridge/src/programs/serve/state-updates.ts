/** Tells one client what is loaded and traced, while it wants to know. */
import type { SessionStore } from '../../api/store';
import type { FromKernel } from '../../base/protocol';

type State = Extract<FromKernel, { type: 'state' }>;

export class StateUpdates {
  private readonly _stop: () => void;
  private _subscribed = false;
  private _scheduled = false;

  constructor(
    private readonly _store: SessionStore,
    private readonly _send: (state: State) => void
  ) {
    this._stop = _store.onChange(() => this._schedule());
  }

  /** Returns what there is; changes are sent from now on. */
  subscribe(): State {
    this._subscribed = true;
    const { models, traces } = this._store;
    return { type: 'state', models, traces };
  }

  unsubscribe(): void {
    this._subscribed = false;
  }

  dispose(): void {
    this.unsubscribe();
    this._stop();
  }

  /** A cell may change much in one go; a client needs only what it comes to. */
  private _schedule(): void {
    if (this._subscribed && !this._scheduled) {
      this._scheduled = true;
      setImmediate(() => {
        this._scheduled = false;
        if (this._subscribed) {
          this._send(this.subscribe());
        }
      });
    }
  }
}
