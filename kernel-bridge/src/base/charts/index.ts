/** Vega-Lite specifications and the numbers behind them. Pure: used by the kernel for stills and by the front end for live views. */
export * from './graphs';
export * from './measure';
export * from './routing-fallback';
export {
  routingDiffSpec,
  type RoutingDiffCell,
  type RoutingDiffChart
} from './routing-diff';
export { routingStillSpec, type RoutingStillOptions } from './routing-still';
export {
  ceiling,
  rankOf,
  routingRows,
  weightCeiling,
  type RoutingRow
} from './routing-rows';
export { described, descriptionOf } from './described';
export { VEGA_LITE_5, VEGA_LITE_6, type VegaLiteSpec } from './spec';
export {
  labelStride,
  labelledIndices,
  tokenLabel,
  tokenText
} from './token-labels';
export { characterRuns, type TokenCharacters } from './token-characters';
export {
  expertLoad,
  tokenRateCeiling,
  type ExpertLoadRow
} from './expert-load';
export {
  sweepHeatmapSpec,
  type SweepHeatmapOptions,
  type SweepMeasure
} from './sweep-heatmap';
export { clusteredOrder } from './cluster-order';
export { drawingSpec } from './drawing';
export type { DrawingLook } from './drawing-look';
export {
  compressionSpec,
  type CompressionChart,
  type PlannedEffect,
  type PlannedExpert
} from './compression-plan';
export { excessIntervalsSpec, type ExcessRow } from './excess-intervals';
export { formatChangeSpec, type FormatChangeRow } from './format-change';
export { loadChangeSpec, type LoadChangeRow } from './load-change';
export {
  modelsByDepthSpec,
  type DepthChart,
  type DepthRow
} from './models-by-depth';
export { loadIntervalsSpec } from './load-intervals';
export {
  matrixCells,
  matrixHeatmapSpec,
  type MatrixCell
} from './matrix-heatmap';
export { triggerRatesSpec, type TriggerRateRow } from './trigger-rates';
