import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { CommandIDs } from '../command-ids';
import { moeDebuggerIcon } from '../icons';
import { starter } from '../starter';
import { IMoEContext, NAMESPACE } from '../tokens';
import { optionalService } from './optional-service';

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

/** Commands, their palette entries and the launcher card. */
export const commandPlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:commands`,
  description: 'Adds the commands of the MoE Debugger.',
  autoStart: true,
  requires: [IMoEContext],
  optional: [ICommandPalette],
  activate: async (
    app: JupyterFrontEnd,
    context: IMoEContext,
    palette: ICommandPalette | null
  ) => {
    const { trans } = context;
    Private.addNotebookCommand(app, context);
    Private.addViewCommands(app, context);
    const category = trans.__('MoE Debugger');
    for (const command of [
      CommandIDs.newNotebook,
      CommandIDs.nextLayer,
      CommandIDs.previousLayer,
      CommandIDs.toggleTable
    ]) {
      palette?.addItem({ command, category });
    }
    for (const measure of ['weight', 'probability']) {
      palette?.addItem({
        command: CommandIDs.setMeasure,
        category,
        args: { measure }
      });
    }
    const launcher = await optionalService(
      app,
      async () => (await import('@jupyterlab/launcher')).ILauncher
    );
    launcher?.add({ command: CommandIDs.newNotebook, category, rank: 1 });
  }
};

/** The folder that the file browser shows. */
async function folderShown(app: JupyterFrontEnd): Promise<string> {
  const browser = await optionalService(
    app,
    async () => (await import('@jupyterlab/filebrowser')).IDefaultFileBrowser
  );
  return browser?.model.path ?? '';
}

namespace Private {
  export function addNotebookCommand(
    app: JupyterFrontEnd,
    { trans }: IMoEContext
  ): void {
    const { commands, serviceManager } = app;
    commands.addCommand(CommandIDs.newNotebook, {
      label: args =>
        args.isPalette
          ? trans.__('New MoE Notebook')
          : trans.__('MoE Notebook'),
      caption: trans.__('Create a notebook that loads and traces a model'),
      icon: moeDebuggerIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            cwd: {
              type: 'string',
              description: trans.__('The folder of the new notebook')
            },
            isPalette: {
              type: 'boolean',
              description: trans.__('Whether the label is for the palette')
            }
          }
        }
      },
      execute: async args => {
        const { KERNEL_NAME } = await import('moe-debugger/protocol');
        await serviceManager.ready;
        const panel = (await commands.execute('notebook:create-new', {
          cwd: args.cwd ?? (await folderShown(app)),
          kernelName: KERNEL_NAME
        })) as NotebookPanel;
        await panel.context.ready;
        const text = await starter(panel.context.path, serviceManager.contents);
        const [first] = panel.content.widgets;
        if (first && first.model.sharedModel.getSource() === '') {
          first.model.sharedModel.setSource(text);
        }
        return panel;
      }
    });
  }

  export function addViewCommands(
    { commands }: JupyterFrontEnd,
    { trans, views }: IMoEContext
  ): void {
    const isEnabled = () => views.current !== null;
    const addStep = (id: string, label: string, step: 1 | -1) =>
      commands.addCommand(id, {
        label,
        describedBy: NO_ARGUMENTS,
        isEnabled: () =>
          views.current !== null &&
          views.current.layerIndex + step >= 0 &&
          views.current.layerIndex + step < views.current.layerCount,
        execute: () => {
          if (views.current) {
            views.current.layerIndex += step;
          }
        }
      });
    addStep(CommandIDs.nextLayer, trans.__('Next Layer'), 1);
    addStep(CommandIDs.previousLayer, trans.__('Previous Layer'), -1);
    commands.addCommand(CommandIDs.setLayer, {
      label: trans.__('Show Layer'),
      describedBy: {
        args: {
          type: 'object',
          required: ['layerIndex'],
          properties: {
            layerIndex: {
              type: 'integer',
              minimum: 0,
              description: trans.__('Index among the captured MoE layers')
            }
          }
        }
      },
      isEnabled,
      execute: args => {
        if (views.current) {
          views.current.layerIndex = Number(args.layerIndex) || 0;
        }
      }
    });
    commands.addCommand(CommandIDs.setMeasure, {
      label: args =>
        args.measure === 'probability'
          ? trans.__('Show Probabilities')
          : trans.__('Show Weights'),
      describedBy: {
        args: {
          type: 'object',
          required: ['measure'],
          properties: {
            measure: {
              type: 'string',
              enum: ['weight', 'probability'],
              description: trans.__('What the heatmap shows')
            }
          }
        }
      },
      isEnabled,
      isToggled: args => views.current?.measure === args.measure,
      execute: args => {
        if (views.current) {
          views.current.measure =
            args.measure === 'probability' ? 'probability' : 'weight';
        }
      }
    });
    commands.addCommand(CommandIDs.toggleTable, {
      label: trans.__('Show Routing as a Table'),
      describedBy: NO_ARGUMENTS,
      isEnabled,
      isToggled: () => views.current?.display === 'table',
      execute: () => {
        if (views.current) {
          views.current.display =
            views.current.display === 'table' ? 'heatmap' : 'table';
        }
      }
    });
    views.currentChanged.connect(() => {
      commands.notifyCommandChanged();
    });
  }
}
