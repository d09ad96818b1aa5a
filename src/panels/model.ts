import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import {
  NotebookKernels,
  type INotebookKernel,
  type KernelFollower
} from '../kernel';
import type { IPreferences } from '../tokens';

/**
 * The state of a panel or a workbench: the active or a pinned notebook, and its kernel. Each notebook has a connection of
 * its own, made when a panel first shows it, so that two kernels never mix.
 */
export class PanelModel implements IDisposable {
  constructor(private _options: PanelModel.IOptions) {
    this._kernels =
      _options.kernels ??
      new NotebookKernels({ preferences: _options.preferences });
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
    return this._kernel?.follower ?? null;
  }

  /** The traces of the notebook's kernel, and what is selected; null as `follower` is. */
  get kernel(): INotebookKernel | null {
    return this._kernel;
  }

  /** The notebook that stays shown whichever is active; null to follow the active one. */
  get pinned(): NotebookPanel | null {
    return this._pinned;
  }
  set pinned(notebook: NotebookPanel | null) {
    if (notebook !== this._pinned) {
      this._pinned = notebook;
      this._update();
    }
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

  /** Whether the heatmap of the selected trace is drawn: it is fetched only then. Default true. */
  get drawsPicture(): boolean {
    return this._drawsPicture;
  }
  set drawsPicture(value: boolean) {
    if (value !== this._drawsPicture) {
      this._drawsPicture = value;
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
    this._leave();
    for (const notebook of this._known) {
      notebook.disposed.disconnect(this._onNotebookDisposed, this);
    }
    this._known.clear();
    if (!this._options.kernels) {
      this._kernels.dispose();
    }
    Signal.clearData(this);
  }

  private _onCurrentChanged(): void {
    if (this._visible) {
      this._update();
    }
  }

  private _update(): void {
    const notebook = this._pinned ?? this._options.tracker.currentWidget;
    const kernel = !notebook
      ? null
      : this._visible
        ? this._kernelOf(notebook)
        : this._kernel;
    if (kernel !== this._kernel) {
      this._leave();
      kernel?.follower.changed.connect(this._onFollowerChanged, this);
    }
    this._kernel = kernel;
    this._notebook = notebook;
    if (kernel && notebook && kernel === this._kernels.of(notebook)) {
      this._watched = notebook;
      this._kernels.watch(notebook, this, this._visible, this._drawsPicture);
    }
    this._changed.emit();
  }

  /** The kernel that was shown is no longer watched by this panel. */
  private _leave(): void {
    this._kernel?.follower.changed.disconnect(this._onFollowerChanged, this);
    if (this._watched) {
      this._kernels.watch(this._watched, this, false);
      this._watched = null;
    }
  }

  private _kernelOf(notebook: NotebookPanel): INotebookKernel {
    if (!this._known.has(notebook)) {
      this._known.add(notebook);
      notebook.disposed.connect(this._onNotebookDisposed, this);
    }
    return this._kernels.of(notebook);
  }

  private _onNotebookDisposed(notebook: NotebookPanel): void {
    this._known.delete(notebook);
    if (notebook === this._pinned) {
      this._pinned = null;
    }
    if (notebook === this._notebook) {
      this._kernel = null;
      this._notebook = null;
      this._watched = null;
      this._changed.emit();
    }
  }

  private _onFollowerChanged(): void {
    this._changed.emit();
  }

  private _changed = new Signal<this, void>(this);
  private _drawsPicture = true;
  private _isDisposed = false;
  private _kernel: INotebookKernel | null = null;
  private _kernels: NotebookKernels;
  private _known = new Set<NotebookPanel>();
  private _notebook: NotebookPanel | null = null;
  private _pinned: NotebookPanel | null = null;
  private _visible = false;
  /** The notebook whose kernel this panel follows. */
  private _watched: NotebookPanel | null = null;
}

export namespace PanelModel {
  export interface IOptions {
    tracker: INotebookTracker;
    preferences: IPreferences;
    /** Shared with other panels. Default: its own. */
    kernels?: NotebookKernels;
  }
}
