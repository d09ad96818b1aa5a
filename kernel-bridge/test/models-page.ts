/** docs/models.md: what was checked of each model, written by the truth tests. */
import { markdownTable } from './page';
import type { Differences } from './truth';
import type { Truth } from './zoo';

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

const HEAD = `# Models that are checked

This page shows which models and exporters are tested, and how exact their traces are. \`npm run pages\` generates it by
\`kernel-bridge/test/truth.spec.ts\`; do not edit it. [traces.md](traces.md) shows how to trace a model.

Each model is traced and compared with what hooks on the original PyTorch modules recorded, for every prompt, layer and
token, with and without onnxruntime's graph optimisations. Tolerances: router logits and output logits 1e-3, expert
weights 1e-4, selected experts exactly. Differences are rounded up to a power of ten.
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

export function modelsPage(reports: readonly ModelReport[]): string {
  return `${HEAD}\n${markdownTable([COLUMNS, ...reports.map(row)])}\n\n${reports.length} models. A row is one token in one MoE layer; rows whose recorded logits are not finite are compared by their logits only.\n`;
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
