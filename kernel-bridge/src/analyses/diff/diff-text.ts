/** Formats a routing diff as text. */
import { printableLine } from '../../base/printable';
import { counted, layerName } from '../../base/protocol';
import type { Both } from './layer-diff';
import type { LayerSummary } from './layer-summary';
import type { DiffData } from './diff-data';

const MAX_EXPERTS = 4;

export function formatDiff(diff: DiffData): string {
  const [title, notes] = diffWords(diff);
  return [title, table(diff.layers), ...notes].join('\n');
}

/** What stands above and below the table of layers. */
export function diffWords(
  diff: DiffData
): [title: string, notes: readonly string[]] {
  const { runs, samples } = diff;
  const pairs = samples.reduce(
    (sum, { alignment }) => sum + alignment.a.length,
    0
  );
  const lone = samples.reduce(
    (sum, { alignment }) =>
      sum +
      alignment.tokens.filter(({ a, b }) => a === null || b === null).length,
    0
  );
  return [
    `RoutingDiff of ${name(runs.a)} and ${name(runs.b)}: ${samples.length === 1 ? '' : `${samples.length} prompts, `}${counted(pairs, 'token')} in both${lone === 0 ? '' : `, ${lone} in one`}`,
    [...outputLine(diff), ...aloneLines(diff.alone)]
  ];
}

function name({ model, edits }: DiffData['runs']['a']): string {
  return edits.length === 0
    ? printableLine(model)
    : `${printableLine(model)} with ${edits.length} ${edits.length === 1 ? 'edit' : 'edits'}`;
}

function table(layers: readonly LayerSummary[]): string {
  const rows = [
    ['layer', 'changed', 'near misses', 'Jaccard', 'weight', 'left', 'entered'],
    ...layers.map(layer => [
      `${layerName(layer)}${layer.topK.a === layer.topK.b ? '' : `, top-${layer.topK.a} and top-${layer.topK.b}`}`,
      `${layer.changed} of ${layer.tokens}${layer.changedShare === null ? '' : ` (${percent(layer.changedShare)})`}`,
      layer.nearMissShare === null
        ? layer.changed === 0
          ? ''
          : 'unknown'
        : `${layer.nearMisses} (${percent(layer.nearMissShare)})`,
      fixed(layer.jaccard),
      fixed(layer.weightDistance),
      mostMoved(layer.left),
      mostMoved(layer.entered)
    ])
  ];
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map(row => row[column].length))
  );
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd()
    )
    .join('\n');
}

/** Experts with the most lost or gained tokens: "5 (12), 0 (3)". */
export function mostMoved(counts: readonly number[]): string {
  const found = counts
    .map((count, expert) => ({ count, expert }))
    .filter(({ count }) => count > 0)
    .sort((x, y) => y.count - x.count);
  const shown = found
    .slice(0, MAX_EXPERTS)
    .map(({ count, expert }) => `${expert} (${count})`);
  return [...shown, ...(found.length > MAX_EXPERTS ? ['...'] : [])].join(', ');
}

function outputLine({ samples }: DiffData): string[] {
  const output = samples.flatMap(sample => sample.output);
  const known = output.filter(({ kl }) => Number.isFinite(kl));
  if (known.length === 0) {
    return [];
  }
  const mean = known.reduce((sum, { kl }) => sum + kl, 0) / known.length;
  const other = output.filter(({ top }) => top.a !== top.b).length;
  return [
    `output: KL ${mean.toPrecision(3)} nats on average of ${known.length} ${known.length === 1 ? 'token' : 'tokens'}, another top token at ${other}`
  ];
}

function aloneLines(alone: Both<{ samples: string[]; layers: string[] }>) {
  return (['a', 'b'] as const).flatMap(side => {
    const run = side === 'a' ? 'first' : 'second';
    const { samples, layers } = alone[side];
    return [
      ...(samples.length > 0
        ? [`only the ${run} run has ${count(samples, 'prompt')}`]
        : []),
      ...(layers.length > 0
        ? [`only the ${run} run has ${layers.join(', ')}`]
        : [])
    ];
  });
}

function count(list: readonly string[], noun: string): string {
  return `${list.length} more ${noun}${list.length === 1 ? '' : 's'}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function fixed(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '' : value.toFixed(3);
}
