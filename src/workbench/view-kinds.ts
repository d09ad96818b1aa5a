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

/** A tab of the workbench: a row of the table of views. */
export interface IViewKind {
  id: string;
  title: (context: IMoEContext) => string;
  /** Called when the tab is first opened. */
  create: (options: IViewOptions) => Widget;
}
