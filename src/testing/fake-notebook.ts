/** The side panel's view of JupyterLab: a tracker of notebooks, each with a kernel that a test controls. */
import type { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { PanelModel } from '../panels/model';
import { Preferences } from '../preferences';
import { fakeSession } from './fake-kernel';

export class FakeNotebook {
  readonly session = fakeSession();
  readonly sessionContext = this.session.context;
  readonly disposed = new Signal<this, void>(this);
  readonly title: { label: string };
  readonly context: { path: string };
  /** The cell that new code goes into. */
  source = '';
  readonly content = {
    activeCell: {
      model: {
        sharedModel: {
          setSource: (text: string) => {
            this.source = text;
          }
        }
      }
    }
  };

  constructor(path: string) {
    this.context = { path };
    this.title = { label: path.split('/').at(-1)! };
  }

  get kernel(): FakeNotebook['session']['kernel'] {
    return this.session.kernel;
  }
}

export class FakeTracker {
  currentWidget: FakeNotebook | null = null;
  readonly currentChanged = new Signal<this, FakeNotebook | null>(this);

  show(notebook: FakeNotebook | null): void {
    this.currentWidget = notebook;
    this.currentChanged.emit(notebook);
  }

  get asTracker(): INotebookTracker {
    return this as unknown as INotebookTracker;
  }
}

/** A visible side panel over one notebook. */
export function followedNotebook(): {
  tracker: FakeTracker;
  notebook: FakeNotebook;
  model: PanelModel;
} {
  const tracker = new FakeTracker();
  const notebook = new FakeNotebook('folder/a.ipynb');
  tracker.currentWidget = notebook;
  const model = new PanelModel({
    tracker: tracker.asTracker,
    preferences: new Preferences()
  });
  model.visible = true;
  return { tracker, notebook, model };
}
