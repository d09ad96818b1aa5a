/** Interactive views of a model, for outputs, widgets and the side panel. */
export { followWidget } from './follow-widget';
export { ToolFrame } from './frame';
export type { ToolModel } from './model';
export { TOOLS, loadTool } from './table';
export type { ITool, IToolKind } from './tool';
