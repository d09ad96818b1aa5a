/** Charts of the measures of a trace. */
export { FigureView } from './view';
