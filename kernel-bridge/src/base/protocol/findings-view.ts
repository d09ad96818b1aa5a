/** Findings view: the list of findings in a model's routing. */
import { count, figure, flag, list, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import {
  integrityNote,
  type Check,
  type Finding,
  type FindingKind,
  type FoundInRouting,
  type Suggestion,
  type TokenEvidence,
  type Undecided
} from './findings';
import { counted } from './counted';
import { decodePlace, layerName, NO_TOKEN_ID } from './routing';
import type { ToolState } from './tools';

export interface FindingsState extends ToolState {
  found: FoundInRouting;
  /** Number of omitted findings, the least severe. */
  omitted: number;
}

const SEVERITIES = ['error', 'warning', 'info'] as const;
const INTEGRITIES = ['hashed', 'unverified'] as const;
const ACTIONS: readonly Suggestion['action'][] = [
  'bias-update',
  'capacity',
  'merge',
  'prune',
  'replicas',
  'inspect',
  'retrain'
];
const MAX_FINDINGS = 500;
const MAX_CHECKS = 64;
const MAX_EXPERTS = 4096;
const MAX_TOKENS = 100;
const MAX_SUGGESTIONS = 16;
const MAX_TEXT_LENGTH = 600;
/** Values, at all depths, in the structured part of a finding. */
const MAX_VALUES = 8192;
const DEEPEST = 6;

/** The part of a diagnosis that a list shows. */
export function findingsState(diagnosis: FoundInRouting): FindingsState {
  const { model, integrity, tokens, samples, findings, undecided, checks } =
    diagnosis;
  const { coverage } = diagnosis;
  return {
    running: false,
    found: {
      ...(model === undefined ? {} : { model }),
      ...(integrity === undefined ? {} : { integrity }),
      tokens,
      samples,
      findings: findings.slice(0, MAX_FINDINGS),
      undecided: undecided.slice(0, MAX_FINDINGS),
      checks: checks.slice(0, MAX_CHECKS),
      coverage
    },
    omitted: Math.max(0, findings.length - MAX_FINDINGS)
  };
}

/** @throws ProtocolError naming the invalid field */
export function readFindingsState(value: unknown): FindingsState {
  const source = object(value, 'state');
  const found = object(source.found, 'found');
  const coverage = object(found.coverage, 'found.coverage');
  return {
    running: flag(source.running, 'running'),
    omitted: count(source.omitted, 'omitted'),
    found: {
      ...(found.model === undefined
        ? {}
        : {
            model: text(found.model, 'found.model').slice(0, MAX_TEXT_LENGTH)
          }),
      ...(found.integrity === undefined
        ? {}
        : {
            integrity: oneOf(found.integrity, INTEGRITIES, 'found.integrity')
          }),
      tokens: count(found.tokens, 'found.tokens', Number.MAX_SAFE_INTEGER),
      samples: count(found.samples, 'found.samples', Number.MAX_SAFE_INTEGER),
      findings: list(found.findings, 'found.findings', MAX_FINDINGS).map(
        (entry, i) => readFinding(entry, `found.findings[${i}]`)
      ),
      undecided: list(found.undecided, 'found.undecided', MAX_FINDINGS).map(
        (entry, i) => readUndecided(entry, `found.undecided[${i}]`)
      ),
      checks: list(found.checks ?? [], 'found.checks', MAX_CHECKS).map(
        (entry, i) => readCheck(entry, `found.checks[${i}]`)
      ),
      coverage: {
        routers: count(coverage.routers, 'coverage.routers'),
        routersWithWeights: count(
          coverage.routersWithWeights,
          'coverage.routersWithWeights'
        )
      }
    }
  };
}

/** A line a kind of which something was not looked at. */
export function notLookedAt(checks: readonly Check[]): string[] {
  return checks.flatMap(({ kind, why }) =>
    why === undefined ? [] : [`${kind}: not looked at: ${why}`]
  );
}

/** As text, for places that show nothing else. */
export function describeFindings(
  model: string,
  { found }: FindingsState
): string {
  const { findings, undecided, checks, tokens, integrity } = found;
  const note = integrityNote(integrity);
  return [
    `Findings of ${model || 'a trace'}: ${findings.length}, in ${counted(tokens, 'token')}`,
    ...(note === undefined ? [] : [note]),
    ...findings.map(
      finding =>
        `${finding.severity}  ${layerName(finding)}: ${finding.kind}: ${finding.message}`
    ),
    ...undecided.map(
      item => `${layerName(item)}: ${item.kind}: ${item.reason}`
    ),
    ...notLookedAt(checks)
  ].join('\n');
}

function readFinding(value: unknown, at: string): Finding {
  const source = object(value, at);
  const evidence = object(source.evidence, `${at}.evidence`);
  const { tokens, ...rest } = evidence;
  return {
    ...readSubject(source, at),
    severity: oneOf(source.severity, SEVERITIES, `${at}.severity`),
    metric: short(source.metric, `${at}.metric`),
    formula: short(source.formula, `${at}.formula`),
    value: figure(source.value, `${at}.value`),
    threshold: figure(source.threshold, `${at}.threshold`),
    message: short(source.message, `${at}.message`),
    evidence: {
      ...(plain(rest, `${at}.evidence`) as Record<string, unknown>),
      ...(tokens === undefined
        ? {}
        : {
            tokens: list(tokens, `${at}.evidence.tokens`, MAX_TOKENS).map(
              (token, i) => readToken(token, `${at}.evidence.tokens[${i}]`)
            )
          })
    },
    suggestions: list(
      source.suggestions,
      `${at}.suggestions`,
      MAX_SUGGESTIONS
    ).map((entry, i) => readSuggestion(entry, `${at}.suggestions[${i}]`))
  };
}

function readUndecided(value: unknown, at: string): Undecided {
  const source = object(value, at);
  return {
    ...readSubject(source, at),
    value: figure(source.value, `${at}.value`),
    threshold: figure(source.threshold, `${at}.threshold`) ?? 0,
    reason: short(source.reason, `${at}.reason`)
  };
}

function readCheck(value: unknown, at: string): Check {
  const source = object(value, at);
  const largest = Number.MAX_SAFE_INTEGER;
  return {
    kind: short(source.kind, `${at}.kind`) as FindingKind,
    looked: flag(source.looked, `${at}.looked`),
    ...(source.why === undefined
      ? {}
      : { why: short(source.why, `${at}.why`) }),
    count: count(source.count, `${at}.count`, largest),
    undecided: count(source.undecided, `${at}.undecided`, largest),
    threshold: figure(source.threshold, `${at}.threshold`),
    certainty: short(source.certainty, `${at}.certainty`)
  };
}

function readSubject(
  source: Record<string, unknown>,
  at: string
): Pick<Finding, 'kind' | 'layer' | 'stack' | 'module' | 'experts'> {
  return {
    // A newer package may have kinds that this one does not know.
    kind: short(source.kind, `${at}.kind`) as FindingKind,
    ...decodePlace(source, at),
    experts: list(source.experts, `${at}.experts`, MAX_EXPERTS).map((e, i) =>
      count(e, `${at}.experts[${i}]`)
    )
  };
}

function readToken(value: unknown, at: string): TokenEvidence {
  const source = object(value, at);
  return {
    sample: short(source.sample, `${at}.sample`),
    position: count(source.position, `${at}.position`),
    id:
      source.id === NO_TOKEN_ID
        ? NO_TOKEN_ID
        : count(source.id, `${at}.id`, Number.MAX_SAFE_INTEGER),
    ...(source.text === undefined
      ? {}
      : { text: short(source.text, `${at}.text`) }),
    ...(source.count === undefined
      ? {}
      : {
          count: count(source.count, `${at}.count`, Number.MAX_SAFE_INTEGER)
        })
  };
}

function readSuggestion(value: unknown, at: string): Suggestion {
  const source = object(value, at);
  return {
    action: oneOf(source.action, ACTIONS, `${at}.action`),
    text: short(source.text, `${at}.text`),
    ...(source.data === undefined
      ? {}
      : { data: plain(source.data, `${at}.data`) })
  };
}

function short(value: unknown, at: string): string {
  return text(value, at).slice(0, MAX_TEXT_LENGTH);
}

/** JSON of any shape, but of limited size. @throws ProtocolError */
function plain(value: unknown, at: string): unknown {
  let left = MAX_VALUES;
  const copy = (own: unknown, depth: number): unknown => {
    if (--left < 0 || depth > DEEPEST) {
      throw new ProtocolError(`${at} holds more than can be shown`);
    }
    switch (typeof own) {
      case 'string':
        return own.slice(0, MAX_TEXT_LENGTH);
      case 'number':
      case 'boolean':
        return own;
      case 'object':
        return own === null
          ? null
          : Array.isArray(own)
            ? own.map(entry => copy(entry, depth + 1))
            : Object.fromEntries(
                Object.entries(own).map(([key, entry]) => [
                  key.slice(0, MAX_TEXT_LENGTH),
                  copy(entry, depth + 1)
                ])
              );
      default:
        return null;
    }
  };
  return copy(value, 0);
}
