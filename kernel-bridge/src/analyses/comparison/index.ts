/** Several models side by side. */
export {
  compareModels,
  type ComparableTrace,
  type CompareOptions
} from './compare-models';
export { ModelComparison } from './model-comparison';
export type {
  AlignedDepth,
  ComparedLayer,
  ComparedMeasure,
  ComparedModel,
  ComparisonDocument
} from './comparison-document';
