/** Compression: which experts a model could lose, and what that would cost. */
export { compressionPlan } from './make-plan';
export { CompressionPlan } from './compression-plan';
export type {
  CompressionDocument,
  ExpertRow,
  LayerPlan,
  PairLikeness,
  PairRow,
  PlannedMerge,
  PlanSizes,
  RandomPlans,
  SizeByPrecision
} from './compression-document';
export type { WeightLikeness } from './expert-likeness';
export type { Disagreement } from './decide';
export type {
  PlanEffect as CompressionEffect,
  DomainEffect
} from '../held-out/measure-effect';
export type { CompressionCriterion, CompressionOptions } from './options';
