import { IThemeManager } from '@jupyterlab/apputils';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { MoEContext } from '../context';
import { Preferences } from '../preferences';
import { IMoEContext, NAMESPACE } from '../tokens';

const TRANSLATION_DOMAIN = 'jupyterlab_moe_debugger';

/** The base of the other plugins; its id names the settings schema. */
export const contextPlugin: JupyterFrontEndPlugin<IMoEContext> = {
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
