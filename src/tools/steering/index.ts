export { SteeringModel } from './model';
export { SteeringView } from './view';
