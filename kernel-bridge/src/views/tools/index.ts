/** Interactive views of a model while its kernel runs. All of this is public. */
export { CircuitView, type CircuitViewOptions } from './circuit-view';
export { ExpertSelector, type ExpertSelectorOptions } from './expert-selector';
export { LayerLens, type LayerLensOptions } from './layer-lens';
export {
  SteeringControls,
  type SteeringControlsOptions
} from './steering-controls';
export { SweepView, type SweepViewOptions } from './sweep-view';
export {
  TokenAttribution,
  type TokenAttributionOptions
} from './token-attribution';
