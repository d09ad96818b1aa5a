import type { ExportMap } from '@jupyter-widgets/base';
import type { IMoEContext } from '../tokens';
import { createToolClasses } from './model-tool';
import { createExplorerClasses } from './routing-explorer';

/**
 * The widget classes, bound to what the extension's views share: the widget manager creates them by name and hands
 * them nothing of ours.
 */
export function createWidgetClasses(context: IMoEContext): ExportMap {
  return { ...createExplorerClasses(context), ...createToolClasses(context) };
}
