/** docs/findings.md: what `diagnose` found in models with planted defects and in healthy ones, written by its tests. */
import {
  KINDS,
  MISSING,
  type FindingNeed
} from '../src/analyses/findings/kinds';
import { DEFAULT_THRESHOLDS } from '../src/analyses/findings/thresholds';
import { markdownTable } from './page';

export interface FindingsReport {
  name: string;
  tokens: number;
  /** In words; empty for a healthy model. */
  planted: string[];
  found: string[];
  missed: string[];
  /** Other errors and warnings that follow from what was planted, or that come again in each half of the texts. */
  confirmed: string[];
  /** Errors and warnings that nothing confirms. */
  falseAlarms: string[];
}

/** What a need is called on the page. */
const NEEDS: Readonly<Record<FindingNeed, string>> = {
  ids: 'selected experts',
  weights: 'weights',
  logits: 'logits',
  tokenIds: 'token ids',
  texts: 'texts of tokens',
  domains: 'domains of texts',
  twoDomains: 'two domains',
  expertWeights: "the experts' parameters",
  expertOutputs: "the experts' outputs",
  modelOutputs: "the model's output",
  graph: "the model's graph",
  baseline: 'a baseline',
  series: '20 texts'
};

/** The kinds of findings, from the descriptor table. */
export function kindsTable(): string {
  return markdownTable([
    ['kind', 'when', 'threshold (default)', 'needs', 'certainty'],
    ...Object.entries(KINDS).map(
      ([kind, { when, threshold, parts, certainty }]) => [
        `\`${kind}\``,
        when,
        threshold === undefined
          ? ''
          : `\`${threshold}\` (${DEFAULT_THRESHOLDS[threshold]})`,
        Object.values(parts)
          .map(needs => needs.map(need => NEEDS[need]).join(' and '))
          .join('; or '),
        certainty
      ]
    )
  ]);
}

/** What a diagnosis says where something is missing. */
export function missingTable(): string {
  return markdownTable([
    ['missing', '`why` of a check'],
    ...Object.entries(MISSING).map(([need, why]) => [
      NEEDS[need as FindingNeed],
      why
    ])
  ]);
}

const HEAD = (): string => `# Findings and what they need

This page has the findings of \`diagnose\`, what a trace or a model must hold for each, and how reliable they are.
\`npm run pages\` generates it from \`kernel-bridge/src/analyses/findings/kinds.ts\` and by
\`kernel-bridge/test/findings.spec.ts\`; do not edit it. [diagnose.md](diagnose.md) shows how to diagnose a model.

${kindsTable()}

A trace says what it holds: \`trace.known\` is \`{ weights, logits, tokenIds, texts, domains }\`. What was not recorded is not
judged: a part of a finding whose needs are not met is not looked at, and \`checks\` of the diagnosis, one a kind, say so:
\`{ kind, looked, why?, count, undecided, threshold, certainty }\`. With \`looked\` true, \`count\` 0 and \`undecided\` 0 it was
looked for and not found.

${missingTable()}

## Reliability

The table lists the findings of \`diagnose\` with default thresholds on models with planted defects (48 sequences of 48
tokens each) and on other models (built-in texts, or the recorded prompts if a model has no tokenizer). It counts errors
and warnings, and specialists where one was planted. Confirmed findings are consequences of a planted defect, or load
problems that plain counting shows in each half of the texts as well: most of these models have random weights, and some
of their routers are unbalanced.
`;

export function findingsPage(reports: readonly FindingsReport[]): string {
  const list = (items: string[]): string => items.join('; ');
  const total = (pick: (report: FindingsReport) => string[]): number =>
    reports.reduce((sum, report) => sum + pick(report).length, 0);
  const table = markdownTable([
    [
      'model',
      'tokens',
      'planted',
      'found',
      'missed',
      'confirmed',
      'false alarms'
    ],
    ...reports.map(report => [
      report.name,
      String(report.tokens),
      list(report.planted),
      list(report.found),
      list(report.missed),
      list(report.confirmed),
      list(report.falseAlarms)
    ])
  ]);
  const summary = `${total(r => r.found)} of ${total(r => r.planted)} planted defects found, ${total(r => r.missed)} missed, ${total(r => r.falseAlarms)} false alarms in ${reports.length} models.`;
  return `${HEAD()}\n${summary}\n\n${table}\n`;
}
