/** Formats a diagnosis as text. */
import { printableLine } from '../../base/printable';
import { layerName } from '../../base/protocol';
import { TABLE_METRICS } from '../../measures';
import type { Diagnosis } from './diagnosis';

export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { model, tokens, samples, layers, findings, undecided, coverage } =
    diagnosis;
  const weights =
    coverage.routersWithWeights === 0
      ? ''
      : `, expert weights of ${coverage.routersWithWeights} of ${coverage.routers} layers`;
  const lines = [
    `${model ? `${printableLine(model)}: ` : ''}${tokens} tokens in ${samples} texts, ${layers.length} MoE layers${weights}`,
    ''
  ];
  if (findings.length === 0) {
    lines.push('nothing was found', '');
  }
  // Suggestions are printed once per kind of finding.
  const advised = new Set<string>();
  for (const finding of findings) {
    lines.push(
      `${finding.severity.padEnd(7)}  ${layerName(finding)}: ${finding.kind}: ${finding.message}`
    );
    if (finding.severity !== 'info' && !advised.has(finding.kind)) {
      advised.add(finding.kind);
      lines.push(
        ...finding.suggestions.map(({ text }) => `           - ${text}`)
      );
    }
  }
  if (findings.length > 0) {
    lines.push('');
  }
  for (const item of undecided) {
    const experts =
      item.experts.length === 0 ? '' : ` of experts ${item.experts.join(', ')}`;
    lines.push(`${layerName(item)}: ${item.kind}${experts}: ${item.reason}`);
  }
  if (undecided.length > 0) {
    lines.push('');
  }
  return [...lines, ...table(diagnosis)].join('\n');
}

function table({ layers }: Diagnosis): string[] {
  const cell = (value: number | null): string =>
    value === null ? '-' : value.toFixed(3);
  const rows = [
    ['layer', ...TABLE_METRICS.map(({ short }) => short)],
    ...layers.map(layer => [
      layerName(layer),
      ...TABLE_METRICS.map(({ name }) => cell(layer[name]))
    ])
  ];
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map(row => row[column].length))
  );
  return rows.map(row =>
    row
      .map((text, column) =>
        column === 0
          ? text.padEnd(widths[column])
          : text.padStart(widths[column])
      )
      .join('  ')
  );
}
