import { IThemeManager } from '@jupyterlab/apputils';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { commandPlugin } from './command-plugin';
import { MoEContext } from './context';
import { rendererFactory } from './mime';
import { panelPlugin } from './panel-plugin';
import { Preferences } from './preferences';
import { IMoEContext, NAMESPACE } from './tokens';
import { widgetPlugin } from './widget-plugin';

const TRANSLATION_DOMAIN = 'jupyterlab_moe_debugger';

/** What all others build on; its id names the settings schema. */
const contextPlugin: JupyterFrontEndPlugin<IMoEContext> = {
  id: `${NAMESPACE}:plugin`,
  description: 'Provides what the views of the MoE Debugger share.',
  autoStart: true,
  provides: IMoEContext,
  optional: [ITranslator, ISettingRegistry, IThemeManager],
  activate: (
    _: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    themes: IThemeManager | null
  ): IMoEContext => {
    const preferences = new Preferences();
    registry
      ?.load(contextPlugin.id)
      .then(settings => preferences.follow(settings))
      .catch(error =>
        console.error('MoE Debugger: its settings did not load', error)
      );
    return new MoEContext({
      trans: (translator ?? nullTranslator).load(TRANSLATION_DOMAIN),
      preferences,
      themes
    });
  }
};

/** Draws outputs, with a kernel and without one. */
const mimePlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:mime`,
  description: 'Draws routing documents in notebooks.',
  autoStart: true,
  requires: [IMoEContext, IRenderMimeRegistry],
  activate: (
    _: JupyterFrontEnd,
    context: IMoEContext,
    rendermime: IRenderMimeRegistry
  ) => {
    rendermime.addFactory(rendererFactory(context));
  }
};

export default [
  contextPlugin,
  mimePlugin,
  widgetPlugin,
  panelPlugin,
  commandPlugin
];
