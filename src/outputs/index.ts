/** Outputs: stored documents of traces and tools, drawn with or without a kernel. */
export { Output } from './output';
