/** Load balancing: biases that even out the load of experts, and what they cost. */
export { balanceLoad } from './balance-load';
export { predictBalance, type RecordedRouting } from './predict-balance';
export { BalancePlan } from './balance-plan';
export type {
  BalanceDocument,
  BalancedLayer,
  LoadSummary
} from './balance-document';
export type { BiasPlace } from './fit-layer';
export type { BalanceOptions, PredictBalanceOptions } from './options';
