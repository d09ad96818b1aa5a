import { ILayoutRestorer } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { DocumentView } from 'moe-debugger/protocol';
import { CommandIDs } from '../command-ids';
import { moeDebuggerIcon } from '../icons';
import { MoEDebuggerPanel } from '../panels';
import { IMoEContext, NAMESPACE } from '../tokens';
import { TOOLS } from '../tools/table';
import { notebookKernels } from './notebook-kernels';
import { optionalService } from './optional-service';

/** Among third-party panels on the right; 500 and below are JupyterLab's own. */
const RANK = 700;

/** The side panel, in applications with notebooks. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:panel`,
  description: "Shows the models and traces of the active notebook's kernel.",
  autoStart: true,
  requires: [IMoEContext],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette],
  activate: async (
    app: JupyterFrontEnd,
    context: IMoEContext,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const tracker = await optionalService(
      app,
      async () => (await import('@jupyterlab/notebook')).INotebookTracker
    );
    if (!tracker) {
      return;
    }
    const panel = new MoEDebuggerPanel({
      tracker,
      context,
      commands: app.commands,
      contents: app.serviceManager.contents,
      translator: translator ?? nullTranslator,
      kernels: () => notebookKernels(context)
    });
    app.shell.add(panel, 'right', { rank: RANK, type: 'MoE Debugger' });
    restorer?.add(panel, panel.id);
    Private.addCommands(app, context, panel);
    const category = context.trans.__('MoE Debugger');
    palette?.addItem({ command: CommandIDs.openPanel, category });
    for (const name of Private.TOOL_NAMES) {
      palette?.addItem({
        command: CommandIDs.openTool,
        category,
        args: { name }
      });
    }
  }
};

namespace Private {
  export const TOOL_NAMES = Object.keys(TOOLS) as DocumentView[];

  export function addCommands(
    { commands, shell }: JupyterFrontEnd,
    { trans }: IMoEContext,
    panel: MoEDebuggerPanel
  ): void {
    commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Open MoE Debugger'),
      caption: trans.__('Show how the models of this notebook route tokens'),
      icon: moeDebuggerIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        shell.activateById(panel.id);
      }
    });
    commands.addCommand(CommandIDs.openTool, {
      label: args => {
        const name = TOOL_NAMES.find(own => own === args.name);
        return name
          ? trans.__('Open %1', TOOLS[name].title(trans))
          : trans.__('Open a Tool');
      },
      describedBy: {
        args: {
          type: 'object',
          required: ['name'],
          properties: {
            name: {
              type: 'string',
              enum: TOOL_NAMES,
              description: trans.__('The tool, which MoE DevTools opens')
            }
          }
        }
      },
      execute: async args => {
        await commands.execute(CommandIDs.openWorkbench, {
          view: String(args.name)
        });
      }
    });
  }
}
