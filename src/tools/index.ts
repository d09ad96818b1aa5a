/** Views that work on a model, which outputs, widgets and the side panel share. */
export { createTool, toolTitle, type ITool } from './create-tool';
export { followWidget } from './follow-widget';
export { ToolFrame } from './frame';
export type { ToolModel } from './model';
