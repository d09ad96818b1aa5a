export { SweepModel } from './model';
export { SweepView } from './view';
