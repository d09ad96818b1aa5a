/** What a diagnosis looked for, what it could not look at, and how much text a verdict takes. */
import { counted, type Check, type FindingKind } from '../../base/protocol';
import { seriesOf } from './changes/series';
import type { Finding, Undecided } from './finding';
import { KINDS, MISSING, type FindingNeed } from './kinds';
import { enoughTokens } from './load';
import type { Thresholds } from './thresholds';
import type { TraceEvidence } from './trace-evidence';

export interface Looked {
  evidence: TraceEvidence;
  thresholds: Thresholds;
  findings: readonly Finding[];
  undecided: readonly Undecided[];
  /** Whether the experts' parameters, or what they put out, were surveyed. */
  surveyed: { weights: boolean; outputs: boolean };
  /** Whether the model's graph was read. */
  hasGraph: boolean;
  hasBaseline: boolean;
}

/** One check a kind, in the order of the table. */
export function checksOf(looked: Looked): Check[] {
  const met = needsMet(looked);
  const { thresholds, findings, undecided } = looked;
  return Object.entries(KINDS).map(([name, kind]) => {
    const parts = Object.values(kind.parts);
    const missing = parts.flatMap(
      needs => needs.find(need => !met[need]) ?? []
    );
    const ofKind = (item: { kind: FindingKind }): boolean => item.kind === name;
    const text = textOf(name as FindingKind, looked);
    return {
      kind: name as FindingKind,
      looked: missing.length < parts.length,
      ...(missing.length === 0
        ? {}
        : { why: missing.map(need => MISSING[need]).join('; ') }),
      count: findings.filter(ofKind).length,
      undecided: undecided.filter(ofKind).length,
      threshold:
        kind.threshold === undefined ? null : thresholds[kind.threshold],
      certainty: text === '' ? kind.certainty : `${kind.certainty}; ${text}`
    };
  });
}

function needsMet({
  evidence,
  surveyed,
  hasGraph,
  hasBaseline
}: Looked): Record<FindingNeed, boolean> {
  const { known, tally, texts, hasOutputs } = evidence;
  return {
    ...known,
    ids: tally.tokens > 0,
    twoDomains:
      new Set(texts.domains.filter(name => name !== undefined)).size > 1,
    expertWeights: surveyed.weights,
    expertOutputs: surveyed.outputs,
    modelOutputs: hasOutputs,
    graph: hasGraph,
    baseline: hasBaseline,
    series: tally.routers.some(router => seriesOf(router) !== undefined)
  };
}

/** How much text there is for a kind, and how much a verdict takes. */
function textOf(kind: FindingKind, { evidence, thresholds }: Looked): string {
  const { routers, tokens } = evidence.tally;
  if (routers.length === 0) {
    return '';
  }
  const least = Math.round(
    Math.min(...routers.map(({ effectiveTokens }) => effectiveTokens))
  );
  switch (kind) {
    case 'dead-expert':
    case 'cold-expert': {
      const enough = Math.max(
        ...routers.map(({ router }) => enoughTokens(router, thresholds))
      );
      return `${least} effective of ${counted(tokens, 'token')}, ${enough} are needed`;
    }
    case 'router-collapse':
    case 'low-confidence':
      return `${least} effective of ${counted(tokens, 'token')}`;
    case 'load-imbalance': {
      const groups = Math.min(...routers.map(own => own.groups.counts.length));
      return `${counted(groups, 'group')} of text, 5 are needed`;
    }
    case 'specialist-expert':
    case 'partial-specialist':
      return domainTexts(evidence);
    default:
      return '';
  }
}

function domainTexts({ texts: { domains, isNew } }: TraceEvidence): string {
  const texts = new Map<string, number>();
  domains.forEach((domain, row) => {
    if (domain !== undefined) {
      texts.set(domain, (texts.get(domain) ?? 0) + (isNew[row] ? 1 : 0));
    }
  });
  const counts = [...texts.values()];
  return counts.length < 2
    ? ''
    : `${counted(counts.length, 'domain')} of at least ${counted(Math.min(...counts), 'text')}`;
}
