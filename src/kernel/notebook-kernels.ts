import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Selection } from '../source';
import type { IPreferences } from '../tokens';
import { KernelFollower } from './follower';
import { KernelSource } from './kernel-source';
import { LinkedSelection } from './linked-selection';

/** What is known of a notebook's kernel, and what is selected in its traces. */
export interface INotebookKernel {
  readonly follower: KernelFollower;
  readonly source: KernelSource;
  readonly selection: Selection;
}

/**
 * The kernels of notebooks, one connection each, however many panels and workbenches show it. A kernel is followed while
 * one of these is visible.
 */
export class NotebookKernels implements IDisposable {
  constructor(private _options: { preferences: IPreferences }) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  of(notebook: NotebookPanel): INotebookKernel {
    const known = this._entries.get(notebook);
    if (known) {
      return known;
    }
    const entry = new NotebookKernel(notebook, this._options.preferences);
    this._entries.set(notebook, entry);
    notebook.disposed.connect(this._drop, this);
    return entry;
  }

  /**
   * Whether a viewer shows the notebook's kernel now.
   * @param drawsPicture whether it draws the heatmap of the selected trace
   */
  watch(
    notebook: NotebookPanel,
    viewer: object,
    isVisible: boolean,
    drawsPicture = true
  ): void {
    const entry = this._entries.get(notebook);
    if (entry) {
      const { viewers, follower } = entry;
      if (isVisible) {
        viewers.set(viewer, drawsPicture);
      } else {
        viewers.delete(viewer);
      }
      follower.drawsPicture = [...viewers.values()].includes(true);
      follower.active = viewers.size > 0;
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    [...this._entries.keys()].forEach(notebook => this._drop(notebook));
  }

  private _drop(notebook: NotebookPanel): void {
    notebook.disposed.disconnect(this._drop, this);
    const entry = this._entries.get(notebook);
    this._entries.delete(notebook);
    entry?.dispose();
  }

  private _entries = new Map<NotebookPanel, NotebookKernel>();
  private _isDisposed = false;
}

class NotebookKernel implements INotebookKernel, IDisposable {
  constructor(notebook: NotebookPanel, preferences: IPreferences) {
    const { sessionContext } = notebook;
    this.follower = new KernelFollower({ sessionContext, preferences });
    this.source = new KernelSource({
      follower: this.follower,
      name: () => notebook.title.label
    });
    this._link = new LinkedSelection(this.follower, this.selection);
  }

  readonly follower: KernelFollower;
  readonly source: KernelSource;
  readonly selection = new Selection();
  /** Panels and workbenches that show it now, and whether they draw the heatmap. */
  readonly viewers = new Map<object, boolean>();

  get isDisposed(): boolean {
    return this.follower.isDisposed;
  }

  dispose(): void {
    this._link.dispose();
    this.source.dispose();
    this.follower.dispose();
  }

  private _link: LinkedSelection;
}
