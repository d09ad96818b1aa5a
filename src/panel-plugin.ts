import { ILayoutRestorer } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from './command-ids';
import { moeDebuggerIcon } from './icons';
import { MoEDebuggerPanel } from './panels';
import { IMoEContext, NAMESPACE } from './tokens';

/** Among third-party panels on the right; 500 and below are JupyterLab's own. */
const RANK = 700;

/** The side panel. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:panel`,
  description: "Shows the models and traces of the active notebook's kernel.",
  autoStart: true,
  requires: [IMoEContext, INotebookTracker],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    context: IMoEContext,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const { trans } = context;
    const panel = new MoEDebuggerPanel({
      tracker,
      context,
      commands: app.commands,
      translator: translator ?? nullTranslator
    });
    app.shell.add(panel, 'right', { rank: RANK, type: 'MoE Debugger' });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Open MoE Debugger'),
      caption: trans.__('Show how the models of this notebook route tokens'),
      icon: moeDebuggerIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        app.shell.activateById(panel.id);
      }
    });
    palette?.addItem({
      command: CommandIDs.openPanel,
      category: trans.__('MoE Debugger')
    });
  }
};
