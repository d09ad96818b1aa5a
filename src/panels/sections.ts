import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import type { IMoEContext } from '../tokens';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { TOOL_NAMES } from 'moe-debugger/protocol';
import { FindingsPanel } from './findings';
import { MeasuresPanel } from './measures';
import { PanelModel } from './model';
import { ModelsPanel } from './models';
import { RoutingPanel } from './routing';
import { PanelStatus } from './status';
import { ToolPanel } from './tool';
import { TracesPanel } from './traces';

/** What stands in the side panel, top to bottom, with its share of the height. */
export interface IPanelContent {
  model: PanelModel;
  status: Widget;
  /** Those that are closed do nothing until they are opened. */
  sections: { widget: Widget; share: number; isClosed?: boolean }[];
}

export function createPanelContent(options: {
  tracker: INotebookTracker;
  context: IMoEContext;
  commands: CommandRegistry;
}): IPanelContent {
  const { tracker, context, commands } = options;
  const { trans, preferences } = context;
  const model = new PanelModel({ tracker, preferences });
  return {
    model,
    status: new PanelStatus({ model, commands, trans }),
    sections: [
      { widget: new RoutingPanel({ model, context }), share: 6 },
      {
        widget: new FindingsPanel({ model, context }),
        share: 20,
        isClosed: true
      },
      {
        widget: new MeasuresPanel({ model, context }),
        share: 20,
        isClosed: true
      },
      ...TOOL_NAMES.map(name => ({
        widget: new ToolPanel({ name, model, context }),
        share: 20,
        isClosed: true
      })),
      { widget: new TracesPanel({ model, trans }), share: 2 },
      { widget: new ModelsPanel({ model, trans }), share: 1 }
    ]
  };
}
