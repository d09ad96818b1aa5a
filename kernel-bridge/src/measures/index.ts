/**
 * Measures of routing: tallies that take any number of tokens, and what follows from them. Free of Node, so that a page
 * or a worker can read traces without a kernel.
 */
export * from './balance';
export * from './balance-bias';
export * from './coactivation';
export { CHUNK, type RoutingBlock } from './columns';
export * from './esft';
export { EXPERT_METRICS } from './expert-metrics';
export * from './importance';
export * from '../base/statistics/intervals';
export * from '../base/statistics/multiple-testing';
export { Z_ONE_SIDED_95, Z_TWO_SIDED_95 } from '../base/statistics/normal';
export * from '../base/statistics/student-t';
export { LAYER_METRICS } from './layer-metrics';
export * from './layer-link';
export * from './metric';
export * from './metrics';
export * from './non-finite';
export { Novelty, type SampleNovelty } from './novelty';
export { OTHER_METRICS } from './other-metrics';
export { PAIR_METRICS } from './pair-metrics';
export * from './repetition';
export * from './replicas';
export { RouterTally, type AddOptions } from './router-tally';
export * from './similarity';
export * from './specialisation';
export * from './total-variation';
export * from './trace-tally';
export * from './type-test';
export { TextSeries, type SeriesRow } from './text-series';
