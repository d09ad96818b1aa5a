import { ILayoutRestorer } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { DockLayout } from '@lumino/widgets';
import { CommandIDs } from '../command-ids';
import { moeDebuggerIcon } from '../icons';
import { IMoEContext, NAMESPACE } from '../tokens';
import type { Workbench } from '../workbench';
import { notebookKernels } from './notebook-kernels';
import { optionalService } from './optional-service';

/** MoE DevTools in the main area, in applications with notebooks. */
export const workbenchPlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:workbench`,
  description:
    'Opens MoE DevTools: overview, tokens, experiments and findings of a notebook’s models.',
  autoStart: true,
  requires: [IMoEContext],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: async (
    app: JupyterFrontEnd,
    context: IMoEContext,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const notebooks = await optionalService(
      app,
      async () => (await import('@jupyterlab/notebook')).INotebookTracker
    );
    if (!notebooks) {
      return;
    }
    const tracker = new WidgetTracker<MainAreaWidget<Workbench>>({
      namespace: `${NAMESPACE}-workbench`
    });
    Private.addCommands(app, context, notebooks, tracker);
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.openWorkbench,
        args: ({ id, content }) => ({
          id,
          view: content.view,
          isNew: true,
          ...(content.model.pinned
            ? { notebook: content.model.pinned.context.path }
            : {})
        }),
        name: ({ id }) => id
      });
    }
    const category = context.trans.__('MoE Debugger');
    for (const args of [{ isNew: false }, { isNew: true }]) {
      palette?.addItem({ command: CommandIDs.openWorkbench, category, args });
    }
    const launcher = await optionalService(
      app,
      async () => (await import('@jupyterlab/launcher')).ILauncher
    );
    launcher?.add({ command: CommandIDs.openWorkbench, category, rank: 2 });
  }
};

namespace Private {
  /** Where JupyterLab can dock a widget. */
  const MODES: readonly string[] = [
    'split-top',
    'split-left',
    'split-right',
    'split-bottom',
    'tab-before',
    'tab-after'
  ];
  let opened = 0;

  export function addCommands(
    app: JupyterFrontEnd,
    context: IMoEContext,
    notebooks: INotebookTracker,
    tracker: WidgetTracker<MainAreaWidget<Workbench>>
  ): void {
    const { trans } = context;
    const { commands, shell } = app;
    commands.addCommand(CommandIDs.openWorkbench, {
      label: args =>
        args.isNew
          ? trans.__('New MoE DevTools')
          : trans.__('Open MoE DevTools'),
      caption: trans.__('Show how the models of a notebook route tokens'),
      icon: moeDebuggerIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            view: {
              type: 'string',
              description: trans.__('The tab to open, or the name of a tool')
            },
            isNew: {
              type: 'boolean',
              description: trans.__(
                'Whether to open another one beside those that are open'
              )
            },
            notebook: {
              type: 'string',
              description: trans.__(
                'Path of a notebook that stays shown, whichever is active'
              )
            },
            mode: {
              type: 'string',
              enum: [...MODES],
              description: trans.__('Where to add it. Default: as another tab.')
            },
            id: {
              type: 'string',
              description: trans.__('Id of the widget, for a restored layout')
            }
          }
        }
      },
      execute: async args => {
        const open = args.isNew ? undefined : latest(tracker);
        const widget = open ?? (await create(app, context, notebooks, args.id));
        if (typeof args.view === 'string') {
          widget.content.open(args.view);
        }
        if (!open) {
          shell.add(widget, 'main', {
            type: 'MoE DevTools',
            ...(MODES.includes(String(args.mode))
              ? { mode: args.mode as DockLayout.InsertMode }
              : {})
          });
          void tracker.add(widget);
          widget.content.viewChanged.connect(() => void tracker.save(widget));
        }
        if (typeof args.notebook === 'string') {
          widget.content.model.pinned =
            notebooks.find(({ context: own }) => own.path === args.notebook) ??
            null;
        }
        shell.activateById(widget.id);
        return widget;
      }
    });
  }

  function latest(
    tracker: WidgetTracker<MainAreaWidget<Workbench>>
  ): MainAreaWidget<Workbench> | undefined {
    const { currentWidget } = tracker;
    return currentWidget && !currentWidget.isDisposed
      ? currentWidget
      : undefined;
  }

  async function create(
    { commands, serviceManager }: JupyterFrontEnd,
    context: IMoEContext,
    tracker: INotebookTracker,
    id: unknown
  ): Promise<MainAreaWidget<Workbench>> {
    const [{ Workbench, createNotice }, kernels] = await Promise.all([
      import('../workbench'),
      notebookKernels(context)
    ]);
    const content = new Workbench({
      tracker,
      context,
      kernels,
      notice: createNotice({
        commands,
        contents: serviceManager.contents,
        trans: context.trans
      })
    });
    const widget = new MainAreaWidget({ content });
    widget.toolbar.hide();
    widget.id =
      typeof id === 'string' && id
        ? id
        : `moe-devtools-${Date.now()}-${++opened}`;
    return widget;
  }
}
