/** Interactive views of a model while its kernel runs. */
export { CircuitView, type CircuitViewOptions } from './circuit-view';
export { createTool } from './create-tool';
export { ExpertSelector, type ExpertSelectorOptions } from './expert-selector';
export { LayerLens, type LayerLensOptions } from './layer-lens';
export type { ModelTool } from './model-tool';
export {
  SteeringControls,
  type SteeringControlsOptions
} from './steering-controls';
export { SweepView, type SweepViewOptions } from './sweep-view';
export {
  TokenAttribution,
  type TokenAttributionOptions
} from './token-attribution';
