export { CircuitModel } from './model';
export { CircuitView } from './view';
