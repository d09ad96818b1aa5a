export { AttributionModel } from './model';
export { AttributionView } from './view';
