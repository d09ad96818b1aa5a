/** Formats a diagnosis as text. */
import { printableLine } from '../../base/printable';
import {
  counted,
  integrityNote,
  layerName,
  notLookedAt
} from '../../base/protocol';
import { TABLE_METRICS } from '../../measures';
import type { Diagnosis } from './diagnosis';

/** What a diagnosis is of, and what is to be known of its file: a line each. */
export function diagnosisHead({
  model,
  tokens,
  samples,
  layers,
  coverage,
  integrity
}: Diagnosis): string[] {
  const weights =
    coverage.routersWithWeights === 0
      ? ''
      : `, expert weights of ${coverage.routersWithWeights} of ${counted(coverage.routers, 'layer')}`;
  const note = integrityNote(integrity);
  return [
    `${model ? `${printableLine(model)}: ` : ''}${counted(tokens, 'token')} in ${counted(samples, 'text')}, ${counted(layers.length, 'MoE layer')}${weights}`,
    ...(note === undefined ? [] : [note])
  ];
}

export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { findings, undecided, checks } = diagnosis;
  const lines = [...diagnosisHead(diagnosis), ''];
  if (findings.length === 0) {
    lines.push(
      undecided.length === 0
        ? 'nothing was found'
        : 'nothing is certain with these tokens',
      ''
    );
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
  const skipped = notLookedAt(checks);
  const clear = checks.filter(
    ({ looked, count, undecided: unsure }) => looked && count + unsure === 0
  );
  if (clear.length > 0) {
    lines.push(
      `looked for and not found: ${clear.map(({ kind }) => kind).join(', ')}`
    );
  }
  lines.push(...skipped, ...(skipped.length + clear.length > 0 ? [''] : []));
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
