import type { ExportMap } from '@jupyter-widgets/base';
import type { IMoEContext } from '../tokens';
import { createToolClasses } from './model-tool';
import { createExplorerClasses } from './routing-explorer';

/** All widget classes; a widget is registered nowhere else on the page. */
const WIDGETS: readonly ((context: IMoEContext) => ExportMap)[] = [
  createExplorerClasses,
  createToolClasses
];

/** Binds the classes to the context: the widget manager creates them by name and passes them nothing of ours. */
export function createWidgetClasses(context: IMoEContext): ExportMap {
  return Object.assign({}, ...WIDGETS.map(create => create(context)));
}
