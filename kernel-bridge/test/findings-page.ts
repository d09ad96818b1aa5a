/** docs/findings.md: what `diagnose` found in models with planted defects and in healthy ones, written by its tests. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from './models-page';
import { REPOSITORY } from './zoo';

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

const PAGE = join(REPOSITORY, 'docs/findings.md');

const HEAD = `# Findings that are checked

Written by \`kernel-bridge/test/findings.spec.ts\`; do not edit. \`diagnose\`, with its default thresholds, on models with
planted defects (48 sequences of 48 tokens each) and on the others (built-in texts, or the recorded prompts where a model has no
tokenizer). Counted are errors and warnings, and specialists where one was planted. Confirmed is what follows from a planted
defect, and an alarm about load that plain counting shows again in either half of the texts: most of these models have
random weights, and some of their routers are out of balance.
`;

/** Rewrites the page when it says something else. */
export function writeFindingsPage(reports: readonly FindingsReport[]): void {
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
  const page = `${HEAD}\n${summary}\n\n${table}\n`;
  if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
    writeFileSync(`${PAGE}.new`, page);
    renameSync(`${PAGE}.new`, PAGE);
  }
}
