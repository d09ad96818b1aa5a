/** Measures of routing: tallies that take any number of tokens, and what follows from them. */
export * from './balance';
export * from './coactivation';
export { CHUNK, type RoutingBlock } from './columns';
export * from './esft';
export * from './importance';
export * from '../base/statistics/intervals';
export { Z_ONE_SIDED_95, Z_TWO_SIDED_95 } from '../base/statistics/normal';
export * from '../base/statistics/student-t';
export * from './layer-link';
export * from './layer-metrics';
export * from './repetition';
export * from './replicas';
export { RouterTally, type AddOptions } from './router-tally';
export * from './similarity';
export * from './specialisation';
export * from './trace-tally';
export * from './type-test';
