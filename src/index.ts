import { commandPlugin } from './plugins/commands';
import { contextPlugin } from './plugins/context';
import { mimePlugin } from './plugins/mime';
import { panelPlugin } from './plugins/panel';
import { widgetPlugin } from './plugins/widgets';
import { workbenchPlugin } from './plugins/workbench';

export default [
  contextPlugin,
  mimePlugin,
  widgetPlugin,
  panelPlugin,
  workbenchPlugin,
  commandPlugin
];
