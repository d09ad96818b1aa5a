/** The records of a session as tables of a cell. */
import { layerName, type Stack } from '../base/protocol';
import type { ResultTable } from '../show/result-table';
import type {
  ExpertMetrics,
  PerformanceMetrics,
  RoutingStats
} from './records';

interface Place {
  layerIdx: number;
  stack?: Stack;
  module?: string;
}

export function routingStatsTable(stats: readonly RoutingStats[]): ResultTable {
  return {
    title: 'routing by layer',
    columns: [
      'layer',
      'experts',
      'topK',
      'tokens',
      'loadBalance',
      'loadEntropy',
      'averageConfidence',
      'firstChoiceRepetition',
      'droppedSlotRate'
    ],
    rows: stats.map(own => [
      nameOf(own),
      own.experts,
      own.topK,
      own.tokens,
      own.loadBalance,
      own.loadEntropy,
      own.averageConfidence,
      own.firstChoiceRepetition,
      own.droppedSlotRate
    ])
  };
}

export function expertMetricsTable(
  metrics: readonly ExpertMetrics[]
): ResultTable {
  return {
    title: 'experts',
    columns: [
      'layer',
      'expert',
      'activationCount',
      'tokenRate',
      'tokenRateUpperBound',
      'slotShare',
      'firstChoiceCount',
      'averageWeight'
    ],
    rows: metrics.map(own => [
      nameOf(own),
      own.expertIdx,
      own.activationCount,
      own.tokenRate,
      own.tokenRateUpperBound,
      own.slotShare,
      own.firstChoiceCount,
      own.averageWeight
    ])
  };
}

export function performanceTable(
  metrics: readonly PerformanceMetrics[]
): ResultTable {
  return {
    title: 'runs',
    columns: [
      'tokens',
      'inferenceTime (ms)',
      'totalTime (ms)',
      'tokensPerSecond',
      'memoryUsage (MB)'
    ],
    rows: metrics.map(own => [
      own.tokens,
      own.inferenceTime,
      own.totalTime,
      own.tokensPerSecond,
      own.memoryUsage
    ])
  };
}

export function utilizationTable(
  layers: readonly (Place & { tokenRate: number[] })[]
): ResultTable {
  const most = Math.max(0, ...layers.map(({ tokenRate }) => tokenRate.length));
  const experts = Array.from({ length: most }, (_, expert) => expert);
  return {
    title: 'token rates of the experts',
    columns: ['layer', ...experts.map(String)],
    rows: layers.map(own => [
      nameOf(own),
      ...experts.map(expert => own.tokenRate[expert] ?? null)
    ])
  };
}

function nameOf({ layerIdx, stack, module }: Place): string {
  return layerName({ layer: layerIdx, stack, module });
}
