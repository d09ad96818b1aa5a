import type { INotebookTracker } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import { TOOL_NAMES } from 'moe-debugger/protocol';
import type { IMoEContext } from '../tokens';
import { FindingsPanel } from './findings';
import { MeasuresPanel } from './measures';
import { PanelModel } from './model';
import { ModelsPanel } from './models';
import { RoutingPanel } from './routing';
import { PanelStatus } from './status';
import { ToolPanel } from './tool';
import { TracesPanel } from './traces';

/** A part of the side panel that is opened and closed by itself. */
export interface ISection {
  /** A tool's is the name of the tool. */
  id: string;
  widget: Widget;
  /** Of the height, beside the other sections that are open. */
  share: number;
  /** At first. A section does nothing while it is closed. */
  isClosed?: boolean;
}

export interface IPanelContent {
  model: PanelModel;
  status: Widget;
  /** Top to bottom. */
  sections: readonly ISection[];
}

/** What stands in the side panel. */
export function createPanelContent(options: {
  tracker: INotebookTracker;
  context: IMoEContext;
  commands: CommandRegistry;
}): IPanelContent {
  const { tracker, context, commands } = options;
  const { trans, preferences } = context;
  const model = new PanelModel({ tracker, preferences });
  const large = { share: 20, isClosed: true };
  return {
    model,
    status: new PanelStatus({ model, commands, trans }),
    sections: [
      { id: 'routing', widget: new RoutingPanel({ model, context }), share: 6 },
      {
        id: 'findings',
        widget: new FindingsPanel({ model, context }),
        ...large
      },
      {
        id: 'measures',
        widget: new MeasuresPanel({ model, context }),
        ...large
      },
      ...TOOL_NAMES.map(name => ({
        id: name,
        widget: new ToolPanel({ name, model, context }),
        ...large
      })),
      { id: 'traces', widget: new TracesPanel({ model, trans }), share: 2 },
      { id: 'models', widget: new ModelsPanel({ model, trans }), share: 1 }
    ]
  };
}
