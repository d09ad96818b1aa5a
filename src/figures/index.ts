/** Charts of a trace's measures. */
export { FigureView } from './view';
