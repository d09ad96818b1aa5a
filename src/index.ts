import { commandPlugin } from './plugins/commands';
import { contextPlugin } from './plugins/context';
import { mimePlugin } from './plugins/mime';
import { panelPlugin } from './plugins/panel';
import { widgetPlugin } from './plugins/widgets';

export default [
  contextPlugin,
  mimePlugin,
  widgetPlugin,
  panelPlugin,
  commandPlugin
];
