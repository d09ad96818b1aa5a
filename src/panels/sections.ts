import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import type { NotebookKernels } from '../kernel';
import type { IMoEContext } from '../tokens';
import { PanelModel } from './model';
import { ModelsPanel } from './models';
import { NavigatorHead } from './navigator-head';
import { RoutingPanel } from './routing';
import { createSections, type ISection, type ISectionKind } from './section';
import { PanelStatus } from './status';
import { TracesPanel } from './traces';

export interface IPanelContent {
  model: PanelModel;
  status: Widget;
  /** Verdict, and what opens the workbench. */
  head: Widget;
  /** Top to bottom. */
  sections: readonly ISection[];
}

/** The sections of the side panel, top to bottom; a section is registered nowhere else. */
export const SECTIONS: readonly ISectionKind[] = [
  {
    id: 'routing',
    create: options => new RoutingPanel({ ...options, size: 'small' }),
    share: 6
  },
  { id: 'traces', create: options => new TracesPanel(options), share: 3 },
  { id: 'models', create: options => new ModelsPanel(options), share: 1 }
];

/** What the side panel contains. */
export function createPanelContent({
  tracker,
  context,
  commands,
  contents,
  kernels
}: {
  tracker: INotebookTracker;
  context: IMoEContext;
  commands: CommandRegistry;
  contents: Contents.IManager;
  kernels?: NotebookKernels;
}): IPanelContent {
  const { trans, preferences } = context;
  const model = new PanelModel({ tracker, preferences, kernels });
  return {
    model,
    status: new PanelStatus({ model, commands, contents, trans }),
    head: new NavigatorHead({ model, commands, trans }),
    sections: createSections(SECTIONS, { model, context })
  };
}
