import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IMoEContext, NAMESPACE } from './tokens';

/** The version of our widget classes, which kernels ask for as `^0.1.0`. */
const WIDGET_VERSION = '0.1.0';

/**
 * Live widgets, where ipywidgets' manager is installed. `@jupyter-widgets/base` belongs to that manager and is not
 * bundled here, so it is asked for while the page runs: a static import would take all plugins down without it.
 */
export const widgetPlugin: JupyterFrontEndPlugin<void> = {
  id: `${NAMESPACE}:widgets`,
  description: 'Registers the widgets that cells of a MoE notebook create.',
  autoStart: true,
  requires: [IMoEContext],
  activate: (app: JupyterFrontEnd, context: IMoEContext) => {
    Private.register(app, context).catch(() => {
      console.info(
        'MoE Debugger: ipywidgets is not installed, no live widgets'
      );
    });
  }
};

namespace Private {
  export async function register(
    app: JupyterFrontEnd,
    context: IMoEContext
  ): Promise<void> {
    const { IJupyterWidgetRegistry } = await import('@jupyter-widgets/base');
    const { WIDGET_MODULE } = await import('moe-debugger/protocol');
    const registry = await app.resolveOptionalService(IJupyterWidgetRegistry);
    registry?.registerWidget({
      name: WIDGET_MODULE,
      version: WIDGET_VERSION,
      exports: async () => {
        const { createWidgetClasses } = await import('./widgets');
        return createWidgetClasses(context);
      }
    });
  }
}
