import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import { TOOL_NAMES } from 'moe-debugger/protocol';
import type { NotebookKernels } from '../kernel';
import type { IMoEContext } from '../tokens';
import { FindingsPanel } from './findings';
import { MeasuresPanel } from './measures';
import { PanelModel } from './model';
import { ModelsPanel } from './models';
import { RoutingPanel } from './routing';
import {
  createSections,
  type ISection,
  type ISectionKind,
  type ISectionOptions
} from './section';
import { PanelStatus } from './status';
import { ToolPanel } from './tool';
import { TracesPanel } from './traces';

export interface IPanelContent {
  model: PanelModel;
  status: Widget;
  /** Top to bottom. */
  sections: readonly ISection[];
}

const large = { share: 20, isClosed: true };

/** The sections of the side panel, top to bottom; a section is registered nowhere else. */
export const SECTIONS: readonly ISectionKind[] = [
  { id: 'routing', create: options => new RoutingPanel(options), share: 6 },
  { id: 'findings', create: options => new FindingsPanel(options), ...large },
  { id: 'measures', create: options => new MeasuresPanel(options), ...large },
  ...TOOL_NAMES.map(name => ({
    id: name,
    create: (options: ISectionOptions) => new ToolPanel({ name, ...options }),
    ...large
  })),
  { id: 'traces', create: options => new TracesPanel(options), share: 2 },
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
    sections: createSections(SECTIONS, { model, context })
  };
}
