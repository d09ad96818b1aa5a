/** Findings: what is wrong with a model's routing, as a list with its evidence. */
export { FindingsModel } from './model';
export { FindingsView } from './view';
