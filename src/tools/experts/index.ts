export { ExpertsModel } from './model';
export { ExpertsView } from './view';
