export { createWidgetClasses } from './routing-explorer';
