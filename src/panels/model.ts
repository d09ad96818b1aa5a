import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { KernelFollower } from '../kernel';
import type { IPreferences } from '../tokens';

/**
 * The state of the side panel: the active notebook and its kernel. Each notebook has a follower of
 * its own, created when the panel first shows it, so that two kernels never mix.
 */
export class PanelModel implements IDisposable {
  constructor(private _options: PanelModel.IOptions) {
    _options.tracker.currentChanged.connect(this._onCurrentChanged, this);
  }

  /** Emitted when the notebook or the state of its kernel changes. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get notebook(): NotebookPanel | null {
    return this._notebook;
  }

  /** Null without a notebook, or before the panel is shown. */
  get follower(): KernelFollower | null {
    return this._follower;
  }

  /** Whether the panel is visible; a hidden panel sends nothing to kernels. */
  get visible(): boolean {
    return this._visible;
  }
  set visible(value: boolean) {
    if (value !== this._visible) {
      this._visible = value;
      this._update();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._options.tracker.currentChanged.disconnect(
      this._onCurrentChanged,
      this
    );
    for (const [notebook, follower] of this._followers) {
      notebook.disposed.disconnect(this._onNotebookDisposed, this);
      follower.dispose();
    }
    this._followers.clear();
    Signal.clearData(this);
  }

  private _onCurrentChanged(): void {
    if (this._visible) {
      this._update();
    }
  }

  private _update(): void {
    const notebook = this._options.tracker.currentWidget;
    const follower = !notebook
      ? null
      : this._visible
        ? this._followerOf(notebook)
        : this._follower;
    if (this._follower && this._follower !== follower) {
      this._follower.changed.disconnect(this._onFollowerChanged, this);
      this._follower.active = false;
    }
    const isNew = this._follower !== follower;
    this._follower = follower;
    this._notebook = notebook;
    if (this._follower) {
      if (isNew) {
        this._follower.changed.connect(this._onFollowerChanged, this);
      }
      this._follower.active = this._visible;
    }
    this._changed.emit();
  }

  private _followerOf(notebook: NotebookPanel): KernelFollower {
    let follower = this._followers.get(notebook);
    if (!follower) {
      follower = new KernelFollower({
        sessionContext: notebook.sessionContext,
        preferences: this._options.preferences
      });
      this._followers.set(notebook, follower);
      notebook.disposed.connect(this._onNotebookDisposed, this);
    }
    return follower;
  }

  private _onNotebookDisposed(notebook: NotebookPanel): void {
    const follower = this._followers.get(notebook);
    this._followers.delete(notebook);
    if (follower && follower === this._follower) {
      this._follower = null;
      this._notebook = null;
      this._changed.emit();
    }
    follower?.dispose();
  }

  private _onFollowerChanged(): void {
    this._changed.emit();
  }

  private _changed = new Signal<this, void>(this);
  private _follower: KernelFollower | null = null;
  private _followers = new Map<NotebookPanel, KernelFollower>();
  private _isDisposed = false;
  private _notebook: NotebookPanel | null = null;
  private _visible = false;
}

export namespace PanelModel {
  export interface IOptions {
    tracker: INotebookTracker;
    preferences: IPreferences;
  }
}
