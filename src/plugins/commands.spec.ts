import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { CommandIDs } from '../command-ids';
import { RoutingModel } from '../routing';
import { testContext } from '../testing/context';
import { view } from '../testing/documents';
import { commandPlugin } from './commands';

/** An application whose services a test names by their tokens. */
async function activated(services: Record<string, unknown> = {}) {
  const commands = new CommandRegistry();
  const listed: object[] = [];
  const context = testContext();
  const app = {
    commands,
    serviceManager: {
      ready: Promise.resolve(),
      contents: {
        localPath: (path: string) => path,
        get: () => Promise.resolve({ content: [] })
      }
    },
    resolveOptionalService: async ({ name }: { name: string }) =>
      services[name] ?? null
  } as unknown as JupyterFrontEnd;
  await commandPlugin.activate(app, context, {
    addItem: (item: object) => listed.push(item)
  } as unknown as ICommandPalette);
  return { commands, context, listed };
}

describe('commands', () => {
  it('are listed in the palette and the launcher', async () => {
    const launched: object[] = [];
    const { listed } = await activated({
      '@jupyterlab/launcher:ILauncher': {
        add: (item: object) => launched.push(item)
      }
    });
    expect(launched).toMatchObject([{ command: CommandIDs.newNotebook }]);
    expect(listed).toHaveLength(6);
    expect(listed).toContainEqual({
      command: CommandIDs.setMeasure,
      category: 'MoE Debugger',
      args: { measure: 'probability' }
    });
  });

  it('work on the view that was used last, and not where there is none', async () => {
    const { commands, context } = await activated();
    const ids = [
      CommandIDs.nextLayer,
      CommandIDs.previousLayer,
      CommandIDs.setLayer,
      CommandIDs.setMeasure,
      CommandIDs.toggleTable
    ];
    expect(ids.map(id => commands.isEnabled(id))).toEqual(ids.map(() => false));
    for (const id of ids) {
      await commands.execute(id);
    }
    let changes = 0;
    commands.commandChanged.connect(() => changes++);
    const model = new RoutingModel({ view: view() });
    context.views.add(model);
    expect(changes).toBeGreaterThan(0);

    expect(ids.map(id => commands.isEnabled(id))).toEqual([
      true,
      false,
      true,
      true,
      true
    ]);
    await commands.execute(CommandIDs.nextLayer);
    expect(model.layerIndex).toBe(1);
    expect(commands.isEnabled(CommandIDs.nextLayer)).toBe(false);
    await commands.execute(CommandIDs.previousLayer);
    expect(model.layerIndex).toBe(0);
    await commands.execute(CommandIDs.setLayer, { layerIndex: 1 });
    expect(model.layerIndex).toBe(1);
    await commands.execute(CommandIDs.setLayer, { layerIndex: 'x' });
    expect(model.layerIndex).toBe(0);
  });

  it('show what is set', async () => {
    const { commands, context } = await activated();
    const model = new RoutingModel({ view: view() });
    context.views.add(model);
    const measures = ['weight', 'probability'].map(measure => ({ measure }));
    const toggled = () =>
      measures.map(args => commands.isToggled(CommandIDs.setMeasure, args));
    expect(
      measures.map(args => commands.label(CommandIDs.setMeasure, args))
    ).toEqual(['Show Weights', 'Show Probabilities']);
    expect(toggled()).toEqual([true, false]);
    await commands.execute(CommandIDs.setMeasure, measures[1]);
    expect(model.measure).toBe('probability');
    expect(toggled()).toEqual([false, true]);
    await commands.execute(CommandIDs.setMeasure, { measure: 'other' });
    expect(model.measure).toBe('weight');

    expect(commands.isToggled(CommandIDs.toggleTable)).toBe(false);
    await commands.execute(CommandIDs.toggleTable);
    expect(model.display).toBe('table');
    expect(commands.isToggled(CommandIDs.toggleTable)).toBe(true);
    await commands.execute(CommandIDs.toggleTable);
    expect(model.display).toBe('heatmap');
  });

  it('create a notebook of our kernel in the folder shown, with code to begin with', async () => {
    const { commands } = await activated({
      '@jupyterlab/filebrowser:IDefaultFileBrowser': {
        model: { path: 'shown' }
      }
    });
    const made: object[] = [];
    let source = '';
    const sharedModel = {
      getSource: () => source,
      setSource: (text: string) => {
        source = text;
      }
    };
    commands.addCommand('notebook:create-new', {
      describedBy: { args: {} },
      execute: args => {
        made.push({ ...args });
        return {
          context: { ready: Promise.resolve(), path: 'shown/Untitled.ipynb' },
          content: { widgets: [{ model: { sharedModel } }] }
        };
      }
    });
    await commands.execute(CommandIDs.newNotebook);
    expect(source).toContain("import { loadModel } from 'moe-debugger';");
    source = '// mine';
    await commands.execute(CommandIDs.newNotebook, { cwd: 'other' });
    expect(source).toBe('// mine');
    expect(made).toEqual([
      { cwd: 'shown', kernelName: KERNEL_NAME },
      { cwd: 'other', kernelName: KERNEL_NAME }
    ]);
    expect(
      [{}, { isPalette: true }].map(args =>
        commands.label(CommandIDs.newNotebook, args)
      )
    ).toEqual(['MoE Notebook', 'New MoE Notebook']);
  });
});
