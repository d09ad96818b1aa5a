/** Builds the document of `diagnose` from traces and expert weights. */
import type { LayerCard } from '../../run/model/description';
import {
  LAYER_METRIC_NAMES,
  layerMetrics,
  pooledAuxiliaryLoss,
  TraceTally,
  type LayerMetrics
} from '../../measures';
import type { Displayable } from '../../base/kernel-api';
import { layerName, type RoutingSample } from '../../base/protocol';
import { associations } from './associations';
import { checksOf } from './checks';
import { lowConfidence } from './confidence';
import { displayed } from './displayed';
import { changesOverTime } from './changes/change-findings';
import { driftFrom } from './drift';
import { duplicateExperts } from './duplicates';
import type { Router } from '../../routing/convention';
import type { ExpertSurvey } from './expert-survey';
import {
  listsOf,
  numberOrNull,
  numbersOf,
  placeOf,
  type Finding,
  type Severity,
  type Undecided
} from './finding';
import {
  emptySlots,
  loadImbalance,
  routerCollapse,
  unusedExperts
} from './load';
import { lostExpertFindings } from './lost-experts';
import { nonFiniteWeights } from './non-finite';
import { specialistExperts } from './specialists';
import { resolveThresholds, type Thresholds } from './thresholds';
import { evidenceOf } from './trace-input';
import { TraceEvidence, type EvidenceSource } from './trace-evidence';
import { LOADS, type DiagnosedLayer, type Diagnosis } from './diagnosis';

export interface DiagnoseOptions {
  model?: string;
  /** Surveys of the experts' weights, and of their outputs where available; one router each. */
  experts?: Iterable<ExpertSurvey>;
  /** The model's routers, with the experts that its graph has no path for, and those that have a capacity. */
  routers?: readonly (Pick<Router, 'layer' | 'stack' | 'module' | 'lost'> &
    Partial<Pick<Router, 'convention' | 'tensors'>>)[];
  thresholds?: Partial<Thresholds>;
  /** Earlier traces to compare with. */
  baseline?: TraceTally | { samples: Iterable<RoutingSample> };
}

const ORDER: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

/**
 * Diagnoses a model's routing: findings with confidence and suggestions, as a document that a cell displays as a list.
 *
 * @param input traces, or the evidence that was gathered of them
 * @throws MoEDebuggerError 'input' for what is no trace, a damaged one, or a threshold that does not exist
 */
export function diagnose(
  input: TraceEvidence | EvidenceSource,
  options: DiagnoseOptions = {}
): Diagnosis & Displayable {
  const thresholds = resolveThresholds(options.thresholds);
  const evidence = evidenceOf(input, 'diagnose');
  const { tally } = evidence;
  const capped = withCapacity(options.routers, input.cards);
  const findings: Finding[] = [];
  const undecided: Undecided[] = [];
  const metrics = tally.routers.map(layerMetrics);
  tally.routers.forEach((router, i) => {
    const distinct = evidence.distinctIds(layerName(router.router));
    for (const verdicts of [
      unusedExperts(router, thresholds),
      loadImbalance(router, metrics[i], thresholds, distinct),
      lowConfidence(router, metrics[i], thresholds),
      routerCollapse(router, metrics[i], thresholds, distinct)
    ]) {
      findings.push(...verdicts.findings);
      undecided.push(...verdicts.undecided);
    }
    findings.push(
      ...emptySlots(
        router,
        metrics[i],
        thresholds,
        capped.has(layerName(router.router))
      )
    );
  });
  const specialists = specialistExperts(
    evidence,
    associations(evidence, thresholds),
    thresholds
  );
  undecided.push(...specialists.undecided);
  findings.push(
    ...lostExpertFindings(options.routers ?? [], tally),
    ...specialists.findings,
    ...changesOverTime(tally, thresholds)
  );
  const surveyed = { weights: 0, outputs: 0 };
  const broken: Finding[] = [];
  for (const survey of options.experts ?? []) {
    surveyed[survey.of ?? 'weights']++;
    broken.push(...nonFiniteWeights(survey));
    findings.push(...duplicateExperts(survey, thresholds));
  }
  findings.push(...joined(broken, evidence.trail.findings()));
  if (options.baseline) {
    findings.push(
      ...driftFrom(tally, baselineTally(options.baseline), thresholds)
    );
  }
  const model =
    options.model ?? (input instanceof TraceEvidence ? undefined : input.model);
  const { integrity } = input;
  const checks = checksOf({
    evidence,
    thresholds,
    findings,
    undecided,
    surveyed: {
      weights: surveyed.weights > 0,
      outputs: surveyed.outputs > 0
    },
    hasGraph: options.routers !== undefined,
    hasBaseline: options.baseline !== undefined
  });
  return displayed({
    schema: 'moe-debugger/diagnose@1',
    ...(model === undefined ? {} : { model }),
    ...(integrity === undefined ? {} : { integrity }),
    tokens: tally.tokens,
    samples: tally.samples,
    findings: findings.sort((a, b) => ORDER[a.severity] - ORDER[b.severity]),
    undecided,
    checks,
    layers: metrics.map(diagnosedLayer),
    pooledAuxiliaryLoss: pooledLoss(tally),
    coverage: {
      routers: tally.routers.length,
      routersWithWeights: surveyed.weights
    },
    thresholds
  });
}

/** Names of the routers whose experts are known to have a capacity. */
function withCapacity(
  routers: DiagnoseOptions['routers'] = [],
  cards: readonly LayerCard[] = []
): Set<string> {
  return new Set([
    ...routers
      .filter(
        ({ convention, tensors }) =>
          convention?.capacity !== undefined || tensors?.kept !== undefined
      )
      .map(layerName),
    ...cards
      .filter(card => card.moe && card.capacity !== undefined)
      .map(layerName)
  ]);
}

function baselineTally(
  baseline: TraceTally | { samples: Iterable<RoutingSample> }
): TraceTally {
  if (baseline instanceof TraceTally) {
    return baseline;
  }
  const tally = new TraceTally();
  for (const sample of baseline.samples) {
    tally.add(sample);
  }
  return tally;
}

/** Merges the findings of an expert whose non-finite weights also show in a run. */
function joined(fromWeights: Finding[], fromRun: Finding[]): Finding[] {
  const same = (a: Finding, b: Finding): boolean =>
    a.layer === b.layer &&
    a.stack === b.stack &&
    a.module === b.module &&
    a.experts[0] === b.experts[0];
  const seen = fromRun.filter(
    run => run.experts.length === 0 || !fromWeights.some(own => same(own, run))
  );
  return [
    ...fromWeights.map(own => {
      const run = fromRun.find(other => same(own, other));
      return run
        ? {
            ...own,
            evidence: {
              ...own.evidence,
              nonFiniteTokens: run.value,
              seenIn: run.evidence.seenIn,
              tokens: run.evidence.tokens
            }
          }
        : own;
    }),
    ...seen
  ];
}

function pooledLoss({ routers }: TraceTally): number | null {
  const experts = routers[0]?.router.experts;
  const usable =
    routers.length > 0 &&
    routers.every(
      ({ router, logits }) => router.experts === experts && logits.tokens > 0
    );
  return usable
    ? numberOrNull(
        pooledAuxiliaryLoss(
          routers.map(({ counts, logits }) => ({
            counts,
            probability: logits.probability,
            tokens: logits.tokens
          }))
        )
      )
    : null;
}

/** A layer's metrics as JSON. */
export function diagnosedLayer(metrics: LayerMetrics): DiagnosedLayer {
  return {
    ...placeOf(metrics),
    experts: metrics.experts,
    topK: metrics.topK,
    tokens: metrics.tokens,
    ...numbersOf(metrics, LAYER_METRIC_NAMES),
    ...listsOf(metrics, LOADS)
  };
}
