export { LensModel } from './model';
export { LensView } from './view';
