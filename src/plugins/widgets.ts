import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IMoEContext, NAMESPACE } from '../tokens';
import { optionalService } from './optional-service';

/** The version of our widget classes, which kernels request as `^0.1.0`. */
const WIDGET_VERSION = '0.1.0';

/** Live widgets, if the widget manager of ipywidgets is installed. */
export const widgetPlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:widgets`,
  description: 'Registers the widgets that cells of a MoE notebook create.',
  autoStart: true,
  requires: [IMoEContext],
  activate: async (app: JupyterFrontEnd, context: IMoEContext) => {
    const registry = await optionalService(
      app,
      async () => (await import('@jupyter-widgets/base')).IJupyterWidgetRegistry
    );
    if (!registry) {
      console.info(
        'MoE Debugger: ipywidgets is not installed, no live widgets'
      );
      return;
    }
    const { WIDGET_MODULE } = await import('moe-debugger/protocol');
    registry.registerWidget({
      name: WIDGET_MODULE,
      version: WIDGET_VERSION,
      exports: async () => {
        const { createWidgetClasses } = await import('../widgets');
        return createWidgetClasses(context);
      }
    });
  }
};
