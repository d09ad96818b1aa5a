/** What each plugin adds to an application, and that it does without what an application lacks. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette, IThemeManager } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import { WIDGET_MODULE } from 'moe-debugger/protocol';
import plugins from '..';
import { CommandIDs } from '../command-ids';
import type { IMoEContext } from '../tokens';
import { testContext } from '../testing/context';
import { FakeTracker } from '../testing/fake-notebook';
import { contextPlugin } from './context';
import { mimePlugin } from './mime';
import { panelPlugin } from './panel';
import { widgetPlugin } from './widgets';

function application(services: Record<string, unknown> = {}) {
  const added: [Widget, string][] = [];
  const activated: string[] = [];
  const app = {
    commands: new CommandRegistry(),
    shell: {
      add: (widget: Widget, area: string) => added.push([widget, area]),
      activateById: (id: string) => activated.push(id)
    },
    serviceManager: { contents: {} },
    resolveOptionalService: async ({ name }: { name: string }) =>
      services[name] ?? null
  } as unknown as JupyterFrontEnd;
  return { app, added, activated };
}

it('all plugins start by themselves, under our name', () => {
  expect(plugins.length).toBeGreaterThan(0);
  expect(
    plugins.filter(
      ({ id, autoStart }) =>
        !id.startsWith('jupyterlab-moe-debugger:') || autoStart !== true
    )
  ).toEqual([]);
});

describe('context plugin', () => {
  const activate = contextPlugin.activate as unknown as (
    app: JupyterFrontEnd,
    translator: null,
    registry: ISettingRegistry | null,
    themes: IThemeManager | null
  ) => IMoEContext;

  it('has defaults without settings and themes', () => {
    const context = activate(application().app, null, null, null);
    expect(context.isLight).toBe(true);
    expect(context.preferences).toMatchObject({
      measure: 'weight',
      colorScheme: 'auto',
      liveUpdates: true
    });
    expect(context.trans.__('%1 of %2', 1, 2)).toBe('1 of 2');
  });

  it('follows settings and themes', async () => {
    const changed = new Signal<object, void>({});
    const composite: Record<string, unknown> = { colorScheme: 'magma' };
    const themes = {
      theme: 'dark',
      isLight: (theme: string) => theme !== 'dark',
      themeChanged: new Signal<object, object>({})
    };
    const context = activate(
      application().app,
      null,
      {
        load: async () => ({ composite, changed })
      } as unknown as ISettingRegistry,
      themes as unknown as IThemeManager
    );
    await Promise.resolve();
    await Promise.resolve();
    expect(context.preferences.colorScheme).toBe('magma');
    const seen: string[] = [];
    context.preferences.changed.connect(() => seen.push('settings'));
    context.themeChanged.connect(() => seen.push('theme'));
    composite.measure = 'probability';
    changed.emit();
    expect(context.preferences.measure).toBe('probability');
    themes.themeChanged.emit({});
    expect(seen).toEqual(['settings', 'theme']);
    expect(context.isLight).toBe(false);
  });

  it('says so when the settings do not load, and goes on', async () => {
    const said = jest.spyOn(console, 'error').mockImplementation();
    const context = activate(
      application().app,
      null,
      {
        load: () => Promise.reject(new Error('404'))
      } as unknown as ISettingRegistry,
      null
    );
    await new Promise(resolve => setTimeout(resolve));
    expect(said).toHaveBeenCalledWith(
      expect.stringContaining('settings did not load'),
      expect.any(Error)
    );
    expect(context.preferences.measure).toBe('weight');
    said.mockRestore();
  });
});

describe('panel plugin', () => {
  const activate = panelPlugin.activate as unknown as (
    ...services: unknown[]
  ) => Promise<void>;

  it('adds the panel on the right, and commands that open it', async () => {
    const { app, added, activated } = application({
      '@jupyterlab/notebook:INotebookTracker': new FakeTracker().asTracker
    });
    const listed: { command: string }[] = [];
    const restored: string[] = [];
    await activate(
      app,
      testContext(),
      null,
      { add: (_: Widget, name: string) => restored.push(name) },
      {
        addItem: (item: { command: string }) => listed.push(item)
      } as unknown as ICommandPalette
    );
    const [[panel, area]] = added;
    expect([panel.id, area]).toEqual(['moe-debugger-panel', 'right']);
    expect(restored).toEqual([panel.id]);
    await app.commands.execute(CommandIDs.openPanel);
    const opened: unknown[] = [];
    app.commands.addCommand(CommandIDs.openWorkbench, {
      describedBy: { args: {} },
      execute: args => {
        opened.push(args);
      }
    });
    await app.commands.execute(CommandIDs.openTool, { name: 'lens' });
    expect(activated).toEqual([panel.id]);
    expect(opened).toEqual([{ view: 'lens' }]);
    expect(
      listed.filter(({ command }) => command === CommandIDs.openTool)
    ).toHaveLength(7);
    expect(
      ['sweep', 'other'].map(name =>
        app.commands.label(CommandIDs.openTool, { name })
      )
    ).toEqual(['Open Sweep', 'Open a Tool']);
  });

  it('adds nothing in an application without notebooks', async () => {
    const { app, added } = application();
    await activate(app, testContext(), null, null, null);
    expect(added).toEqual([]);
    expect(app.commands.hasCommand(CommandIDs.openPanel)).toBe(false);
  });
});

describe('widget plugin', () => {
  const activate = widgetPlugin.activate as unknown as (
    app: JupyterFrontEnd,
    context: IMoEContext
  ) => Promise<void>;

  it('registers the classes that kernels name', async () => {
    const registered: {
      name: string;
      version: string;
      exports: () => Promise<object>;
    }[] = [];
    const { app } = application({
      'jupyter.extensions.jupyterWidgetRegistry': {
        registerWidget: (data: never) => registered.push(data)
      }
    });
    await activate(app, testContext());
    expect(registered).toMatchObject([
      { name: WIDGET_MODULE, version: '0.1.0' }
    ]);
    expect(Object.keys(await registered[0].exports()).sort()).toEqual([
      'ModelToolModel',
      'ModelToolView',
      'RoutingExplorerModel',
      'RoutingExplorerView'
    ]);
  });

  it('says that there are no widgets without ipywidgets', async () => {
    const said = jest.spyOn(console, 'info').mockImplementation();
    await activate(application().app, testContext());
    expect(said).toHaveBeenCalledWith(
      expect.stringContaining('ipywidgets is not installed')
    );
    said.mockRestore();
  });
});

it('the MIME plugin draws our documents', () => {
  const factories: { mimeTypes: readonly string[] }[] = [];
  void mimePlugin.activate(application().app, testContext(), {
    addFactory: (factory: never) => factories.push(factory)
  } as unknown as IRenderMimeRegistry);
  expect(factories).toHaveLength(1);
  expect(factories[0].mimeTypes[0]).toMatch(/^application\/.*moe/);
});
