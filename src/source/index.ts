/** What views read of traces, wherever these are kept, and what is selected in them. */
export { Selection, type ISelected } from './selection';
export type { ITraceSource } from './trace-source';
