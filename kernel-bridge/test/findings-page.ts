/** docs/findings.md: what `diagnose` found in models with planted defects and in healthy ones, written by its tests. */
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

const HEAD = `# Findings that are checked

This page shows how reliable the findings of \`diagnose\` are. \`npm run pages\` generates it by
\`kernel-bridge/test/findings.spec.ts\`; do not edit it. [diagnose.md](diagnose.md) shows how to diagnose a model.

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
  return `${HEAD}\n${summary}\n\n${table}\n`;
}
