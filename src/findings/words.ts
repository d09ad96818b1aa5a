import type { ITranslation } from '../translation';
import type { Finding, Severity } from 'moe-debugger/protocol';

/** The title of a kind of finding; an unknown kind of a newer package keeps its name. */
export function kindTitle(kind: string, trans: ITranslation): string {
  const titles: Record<string, string> = {
    'dead-expert': trans.__('Dead expert'),
    'cold-expert': trans.__('Cold expert'),
    'load-imbalance': trans.__('Load imbalance'),
    'router-collapse': trans.__('Router collapse'),
    'low-confidence': trans.__('Low confidence'),
    'duplicate-experts': trans.__('Duplicate experts'),
    'specialist-expert': trans.__('Specialist'),
    'partial-specialist': trans.__('Partial specialist'),
    'non-finite': trans.__('Not finite'),
    'lost-experts': trans.__('Lost experts'),
    'capacity-overflow': trans.__('Capacity overflow'),
    'empty-slots': trans.__('Empty slots'),
    drift: trans.__('Drift'),
    anomaly: trans.__('Anomaly'),
    'change-point': trans.__('Change point'),
    trend: trans.__('Trend')
  };
  return Object.hasOwn(titles, kind) ? titles[kind] : kind;
}

export function severityTitle(severity: Severity, trans: ITranslation): string {
  switch (severity) {
    case 'error':
      return trans.__('Error');
    case 'warning':
      return trans.__('Warning');
    case 'info':
      return trans.__('Note');
  }
}

const MAX_NAMED = 6;

/** "expert 3", "experts 1, 4", or nothing for the whole layer. */
export function expertsText(
  experts: readonly number[],
  trans: ITranslation
): string {
  const named = experts.slice(0, MAX_NAMED).join(', ');
  return experts.length === 0
    ? ''
    : experts.length === 1
      ? trans.__('expert %1', named)
      : experts.length > MAX_NAMED
        ? trans.__('experts %1, and %2 more', named, experts.length - MAX_NAMED)
        : trans.__('experts %1', named);
}

/** The name of a measure as words: "slotShareOfExpert" is "slot share of expert". */
export function measureText(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

/** Three significant digits. */
export function valueText(value: number | null): string {
  if (value === null) {
    return '–';
  }
  const size = Math.abs(value);
  return Number.isInteger(value)
    ? value.toLocaleString('en')
    : size < 1e-3 || size >= 1e6
      ? value.toExponential(1)
      : String(Number(value.toPrecision(3)));
}

/** The certainty of a finding: a bound, a corrected p-value, or that nothing was estimated. */
export function certaintyText(
  { evidence, metric }: Finding,
  trans: ITranslation
): string {
  const changes = evidence.changes as { correctedP?: unknown }[] | undefined;
  const p = Array.isArray(changes)
    ? changes[0]?.correctedP
    : evidence.correctedP;
  if (typeof p === 'number') {
    return p < 0.001
      ? trans.__('p < 0.001, corrected')
      : trans.__('p = %1, corrected', valueText(p));
  }
  if (typeof evidence.upperBound === 'number') {
    return trans.__('at most %1 (95 % sure)', valueText(evidence.upperBound));
  }
  if (evidence.shownBy === 'one text') {
    return trans.__('of one text: the domain or this text');
  }
  if (/weight|nonfinite/i.test(metric)) {
    return trans.__('measured, not estimated');
  }
  return typeof evidence.tokensSeen === 'number'
    ? trans._n('over %1 token', 'over %1 tokens', evidence.tokensSeen)
    : '';
}
