import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { rendererFactory } from '../mime';
import { IMoEContext, NAMESPACE } from '../tokens';

/** Draws outputs, with a kernel and without one. */
export const mimePlugin: JupyterFrontEndPlugin<void> = {
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
