/** docs/models.md: what was checked of each model, written by the truth tests. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Differences } from './truth';
import { REPOSITORY, type Truth } from './zoo';

export interface ModelReport {
  truth: Truth;
  /** Patterns of its routers, as inspect words them. */
  patterns: string[];
  /** By graph optimisation of onnxruntime. */
  all?: Differences;
  disabled?: Differences;
  /** The error that is expected of a model that cannot run here. */
  refusal?: string;
}

const PAGE = join(REPOSITORY, 'docs/models.md');

const HEAD = `# Models that are checked

Written by \`kernel-bridge/test/truth.spec.ts\`; do not edit. Each model is traced and compared with what hooks on the
original PyTorch modules recorded, for every prompt, layer and token, with onnxruntime's graph optimisations and
without them. Tolerances: router logits and output logits 1e-3, expert weights 1e-4, selected experts exactly. A
difference is given as the next power of ten above the largest one.
`;

const COLUMNS = [
  'model',
  'architecture',
  'exporter',
  'routing as read from the graph',
  'routers',
  'rows',
  'experts',
  'router logits',
  'weights',
  'output logits'
];

/** Rewrites the page when it says something else. */
export function writeModelsPage(reports: readonly ModelReport[]): void {
  const page = `${HEAD}\n${markdownTable([COLUMNS, ...reports.map(row)])}\n\n${reports.length} models. A row is one token in one MoE layer; rows whose recorded logits are not finite are compared by their logits only.\n`;
  if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
    writeFileSync(`${PAGE}.new`, page);
    renameSync(`${PAGE}.new`, PAGE);
  }
}

/** A Markdown table with aligned columns, as prettier would write it. */
export function markdownTable(rows: string[][]): string {
  const widths = rows[0].map((_, column) =>
    Math.max(3, ...rows.map(row => row[column].length))
  );
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  return [head, widths.map(width => '-'.repeat(width)), ...body]
    .map(line)
    .join('\n');
}

function row({
  truth,
  patterns,
  all,
  disabled,
  refusal
}: ModelReport): string[] {
  const runs = [all, disabled].filter(run => run !== undefined);
  const largest = (read: (run: Differences) => number): string =>
    runs.length === 2 ? powerOfTen(Math.max(...runs.map(read))) : '';
  return [
    truth.name,
    truth.architecture,
    truth.exporter,
    patterns.join('; ') || 'none found',
    String(truth.layers.length),
    all ? String(all.rows) : '0',
    runs.length < 2
      ? (refusal ?? 'failed')
      : runs.every(({ selection }) => selection.length === 0)
        ? 'equal'
        : 'differ',
    largest(({ routerLogits }) => routerLogits),
    largest(({ weights }) => weights),
    largest(({ outputLogits }) => outputLogits)
  ];
}

/** The next power of ten above, so that rounding noise between machines does not change the page. */
export function powerOfTen(value: number): string {
  return value === 0
    ? '0'
    : Number.isFinite(value)
      ? `< 1e${Math.floor(Math.log10(value)) + 1}`
      : 'differ';
}
