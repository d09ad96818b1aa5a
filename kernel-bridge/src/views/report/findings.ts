/** Section of a trace's report that lists its findings. */
import { tokenText } from '../../base/charts';
import {
  layerName,
  type Finding,
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
  { findings, undecided, tokens, samples }: FoundInRouting,
  full: boolean
): ReportSection {
  const told = full
    ? findings
    : findings.filter(({ kind }) => kind !== 'specialist-expert');
  const more = told.length - MAX_FINDINGS;
  return {
    id: 'findings',
    title: 'Findings',
    html: [
      `<p class="key">Of ${tokens.toLocaleString('en')} tokens in ${samples.toLocaleString('en')} texts.</p>`,
      told.length === 0
        ? '<p>Nothing was found.</p>'
        : told
            .slice(0, MAX_FINDINGS)
            .map(finding => item(finding, full))
            .join('\n'),
      more > 0 ? `<p class="key">and ${more} more</p>` : '',
      undecided.length === 0
        ? ''
        : `<details><summary>${undecided.length} cannot be told with these tokens</summary><ul>${undecided
            .slice(0, MAX_FINDINGS)
            .map(
              ({ kind, reason, ...place }) =>
                `<li>${escapeHtml(`${layerName(place)}, ${kind}${named(place.experts)}: ${reason}`)}</li>`
            )
            .join('')}</ul></details>`
    ].join('')
  };
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
