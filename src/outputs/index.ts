/** Outputs: what a notebook holds of a trace or a tool, drawn with a kernel and without one. */
export { Output } from './output';
