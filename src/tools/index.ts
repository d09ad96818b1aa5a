/** Views that work on a model, which outputs, widgets and the side panel share. */
export { followWidget } from './follow-widget';
export { ToolFrame } from './frame';
export type { ToolModel } from './model';
export { TOOLS, loadTool } from './table';
export type { ITool, IToolKind } from './tool';
