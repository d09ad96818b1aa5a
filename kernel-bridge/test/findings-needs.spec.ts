/** docs/findings.md has the findings as the descriptor table has them, and so has docs/diagnose.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KINDS } from '../src/analyses/findings/kinds';
import { METRICS } from '../src/measures';
import { kindsTable, missingTable } from './findings-page';
import { REPOSITORY } from './zoo';

const docs = (name: string): string =>
  readFileSync(join(REPOSITORY, 'docs', name), 'utf8');

it('has the table of kinds, with what each needs', () => {
  const page = docs('findings.md');
  expect(page).toContain(kindsTable());
  expect(page).toContain(missingTable());
});

it('has every kind of finding in docs/diagnose.md, in the same words', () => {
  const rows = [
    ...docs('diagnose.md').matchAll(/^\| `([\w-]+)` +\| (.*?) +\|/gm)
  ].map(([, kind, when]) => [kind, when]);
  expect(rows).toEqual(
    Object.entries(KINDS).map(([kind, { when }]) => [kind, when])
  );
});

it('asks for no less than the metric that a finding rests on', () => {
  const needs = (kind: keyof typeof KINDS): string[] =>
    Object.values(KINDS[kind].parts).flat();
  expect(needs('low-confidence')).toEqual(METRICS.decisiveTokenRate.needs);
  expect(needs('load-imbalance')).toEqual(METRICS.jain.needs);
  expect(needs('dead-expert')).toEqual(METRICS.tokenRate.needs);
  expect(needs('non-finite')).toEqual(
    expect.arrayContaining([...METRICS.nonFiniteTokens.needs])
  );
  expect(needs('duplicate-experts')).toEqual(METRICS.cosine.needs);
});
