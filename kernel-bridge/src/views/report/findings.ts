/** Section of a trace's report that lists its findings. */
import { tokenText } from '../../base/charts';
import {
  counted,
  layerName,
  notLookedAt,
  type Finding,
  type FindingKind,
  type FoundInRouting,
  type TokenEvidence
} from '../../base/protocol';
import { escapeHtml } from '../../show/page/escape-html';
import type { ReportSection } from '../../show/page/page';

/** Limits the page; errors and warnings come first. */
const MAX_FINDINGS = 200;
const MAX_TOKENS = 20;

/**
 * @param full otherwise the section reveals nothing of the text: no tokens, and no specialists, whose classes are of text
 */
export function findingsSection(
  { findings, undecided, checks, tokens, samples }: FoundInRouting,
  full: boolean
): ReportSection {
  const isTold = ({ kind }: { kind: FindingKind }): boolean =>
    full || (kind !== 'specialist-expert' && kind !== 'partial-specialist');
  const told = findings.filter(isTold);
  const unsure = undecided.filter(isTold);
  const skipped = notLookedAt(checks.filter(isTold));
  const more = told.length - MAX_FINDINGS;
  return {
    id: 'findings',
    title: 'Findings',
    html: [
      `<p class="key">Of ${counted(tokens, 'token')} in ${counted(samples, 'text')}.</p>`,
      told.length === 0
        ? `<p>${unsure.length === 0 ? 'Nothing was found' : 'Nothing is certain with these tokens'}.</p>`
        : told
            .slice(0, MAX_FINDINGS)
            .map(finding => item(finding, full))
            .join('\n'),
      more > 0 ? `<p class="key">and ${more} more</p>` : '',
      unsure.length === 0
        ? ''
        : listed(
            `${unsure.length} cannot be told with these tokens`,
            unsure
              .slice(0, MAX_FINDINGS)
              .map(
                ({ kind, reason, ...place }) =>
                  `${layerName(place)}, ${kind}${named(place.experts)}: ${reason}`
              )
          ),
      skipped.length === 0
        ? ''
        : listed(
            `${counted(skipped.length, 'kind')} of finding ${skipped.length === 1 ? 'was' : 'were'} not looked at, or in part`,
            skipped
          )
    ].join('')
  };
}

function listed(summary: string, items: readonly string[]): string {
  return `<details><summary>${escapeHtml(summary)}</summary><ul>${items
    .map(text => `<li>${escapeHtml(text)}</li>`)
    .join('')}</ul></details>`;
}

function item(finding: Finding, full: boolean): string {
  const { kind, severity, experts, message, metric, formula } = finding;
  const { upperBound, correctedP, tokens } = finding.evidence;
  const figures = [
    `${metric} ${figure(finding.value)}`,
    finding.threshold === null ? '' : `threshold ${figure(finding.threshold)}`,
    typeof upperBound === 'number' ? `at most ${figure(upperBound)}` : '',
    typeof correctedP === 'number' ? `corrected p ${figure(correctedP)}` : ''
  ].filter(Boolean);
  return [
    `<details class="finding ${severity}"><summary><b>${severity}</b> `,
    escapeHtml(`${layerName(finding)}, ${kind}${named(experts)}: ${message}`),
    `</summary><p class="key">${escapeHtml(figures.join(' · '))}</p>`,
    `<p>${escapeHtml(formula)}</p>`,
    full && tokens && tokens.length > 0
      ? `<p>tokens: ${tokens.slice(0, MAX_TOKENS).map(tokenMark).join(' ')}</p>`
      : '',
    finding.suggestions.length === 0
      ? ''
      : `<ul>${finding.suggestions.map(({ text }) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`,
    '</details>'
  ].join('');
}

function tokenMark(token: TokenEvidence): string {
  const times = token.count === undefined ? '' : ` ×${token.count}`;
  return `<code>${escapeHtml(tokenText(token).slice(0, 80))}</code>${times}`;
}

function named(experts: readonly number[]): string {
  return experts.length === 0 ? '' : ` ${experts.slice(0, 16).join(', ')}`;
}

function figure(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}
