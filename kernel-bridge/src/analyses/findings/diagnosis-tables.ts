/** A diagnosis as tables: findings, and the layers. */
import { layerName, notLookedAt, type RouterPlace } from '../../base/protocol';
import { TABLE_METRICS, type OfLayer } from '../../measures';
import type { ResultTable } from '../../show/result-table';
import type { Diagnosis } from './diagnosis';
import type { Finding } from './finding';
import { diagnosisHead } from './format-diagnosis';

export function diagnosisTables(diagnosis: Diagnosis): ResultTable[] {
  const { findings, undecided, checks, layers } = diagnosis;
  return [
    {
      ...findingsTable(findings, diagnosisHead(diagnosis).join('; ')),
      notes: [
        ...(findings.length > 0
          ? []
          : [
              undecided.length === 0
                ? 'nothing was found'
                : 'nothing is certain with these tokens'
            ]),
        ...undecided.map(
          item =>
            `cannot be told yet: ${layerName(item)}: ${item.kind}${named(item.experts)}: ${item.reason}`
        ),
        ...notLookedAt(checks)
      ]
    },
    layersTable(layers, 'layers')
  ];
}

export function findingsTable(
  findings: readonly Finding[],
  title: string
): ResultTable {
  return {
    title,
    columns: ['severity', 'layer', 'experts', 'kind', 'message'],
    rows: findings.map(finding => [
      finding.severity,
      layerName(finding),
      finding.experts.join(', '),
      finding.kind,
      finding.message
    ])
  };
}

/** The metrics of layers that all tables of layers have. */
export function layersTable(
  layers: readonly (RouterPlace & OfLayer<number | null>)[],
  title: string
): ResultTable {
  return {
    title,
    columns: ['layer', ...TABLE_METRICS.map(({ short }) => short)],
    rows: layers.map(layer => [
      layerName(layer),
      ...TABLE_METRICS.map(({ name }) => layer[name])
    ])
  };
}

function named(experts: readonly number[]): string {
  return experts.length === 0 ? '' : ` of experts ${experts.join(', ')}`;
}
