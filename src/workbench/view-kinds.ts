import type { Widget } from '@lumino/widgets';
import type { IViewContext } from '../devtools/context';
import type { PanelModel } from '../panels/model';
import type { IMoEContext } from '../tokens';

/** What a view of a workbench may use. */
export interface IViewOptions {
  /** The notebook of the workbench, and its kernel. */
  model: PanelModel;
  context: IMoEContext;
  /** Traces and selection of the notebook; null without one. It changes with `model`. */
  current: () => IViewContext | null;
}

/** Makes the content of a tab, when it is first opened. */
export type CreateView = (options: IViewOptions) => Widget;
