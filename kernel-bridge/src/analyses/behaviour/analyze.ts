/** Statistics of a trace's routers and experts, without judgement: the document of `analyze`. */
import { inspect } from 'node:util';
import { displayedAs } from '../../show/displayed-data';
import { tableBundle } from '../../show/result-table';
import { largeChanges } from '../findings/changes/change-findings';
import {
  forecast,
  TOO_SHORT,
  type Forecast,
  type NoForecast
} from '../findings/changes/forecast';
import { seriesOf } from '../findings/changes/series';
import { diagnosedLayer } from '../findings/diagnose';
import type { DiagnosedLayer } from '../findings/diagnosis';
import { listsOf, numberOrNull } from '../findings/finding';
import { expertRoles, type ExpertRole } from '../findings/roles';
import { resolveThresholds, type Thresholds } from '../findings/thresholds';
import { TraceEvidence, type EvidenceSource } from '../findings/trace-evidence';
import { evidenceOf } from '../findings/trace-input';
import {
  EXPERT_METRIC_NAMES,
  layerMetrics,
  specialistPairs,
  strongestPairs,
  tokenRates,
  uniformTokenRate,
  type OfExpert,
  type Partner,
  type PipelineStep,
  type RouterTally
} from '../../measures';
import { layerName, type Integrity } from '../../base/protocol';
import { analysisTables } from './analysis-tables';
import {
  contextStability,
  hasTokens,
  vocabularyOf,
  type ContextStability
} from './token-ids';

export interface AnalyzedLayer
  extends DiagnosedLayer, OfExpert<(number | null)[]> {
  roles: ExpertRole[];
  coactivation: {
    /** Strongest co-activation: the conditional probability given the first expert. */
    strongest: Partner[];
    /** Together on more than 30 % of tokens (Lazarus). */
    specialistPairs: [number, number][];
  };
  /** Token rates within each domain, against uniform routing k / E (OLMoE). */
  domains: { domain: string; tokens: number; tokenRate: number[] }[];
  uniformTokenRate: number;
  /** OLMoE's vocabulary specialisation; null if no id occurs 10 times, or tokens are unknown. */
  vocabularySpecialisation: number | null;
  /** Nothing where tokens are unknown. */
  contextStability: Record<keyof ContextStability, number | null>;
  /** Experts of the previous layer and this one whose weights correlate over tokens; null without weights. */
  pipelines: { fromLayer: number; steps: PipelineStep[] } | null;
  /** The load that is to be expected of the next tokens, or why there is no telling. */
  forecast: Forecast | NoForecast;
}

export interface Analysis {
  schema: 'moe-debugger/analyze@1';
  model?: string;
  /** Of the trace file; absent for a trace that is not from a file. */
  integrity?: Integrity;
  tokens: number;
  samples: number;
  layers: AnalyzedLayer[];
}

export interface AnalyzeOptions {
  model?: string;
  thresholds?: Partial<Thresholds>;
}

const STRONGEST = 10;

/** @throws MoEDebuggerError 'input' for what is no trace, a damaged one, or a threshold that does not exist */
export function analyze(
  input: TraceEvidence | EvidenceSource,
  options: AnalyzeOptions = {}
): Analysis {
  const thresholds = resolveThresholds(options.thresholds);
  const evidence = evidenceOf(input, 'analyze');
  const roles = expertRoles(evidence, thresholds);
  const model =
    options.model ?? (input instanceof TraceEvidence ? undefined : input.model);
  const { integrity } = input;
  const analysis: Analysis = {
    schema: 'moe-debugger/analyze@1',
    ...(model === undefined ? {} : { model }),
    ...(integrity === undefined ? {} : { integrity }),
    tokens: evidence.tally.tokens,
    samples: evidence.tally.samples,
    layers: evidence.tally.routers.map(router =>
      analyzedLayer(evidence, router, roles.get(router)!, thresholds)
    )
  };
  return displayedAs(analysis, () =>
    tableBundle(analysisTables(analysis), inspect(analysis))
  );
}

function analyzedLayer(
  evidence: TraceEvidence,
  router: RouterTally,
  roles: ExpertRole[],
  thresholds: Thresholds
): AnalyzedLayer {
  const { counts, tokens } = router;
  const { experts, topK } = router.router;
  const pairs = router.pairs();
  const series = seriesOf(router);
  const link = evidence.links.get(layerName(router.router));
  const stability = hasTokens(evidence)
    ? contextStability(evidence, router)
    : undefined;
  const metrics = layerMetrics(router);
  return {
    ...diagnosedLayer(metrics),
    ...listsOf(metrics, EXPERT_METRIC_NAMES),
    roles,
    coactivation: {
      strongest: strongestPairs(pairs, counts, tokens).slice(0, STRONGEST),
      specialistPairs: specialistPairs(pairs, experts, tokens)
    },
    domains: [...router.domains]
      .filter(([, own]) => own.tokens > 0)
      .map(([domain, own]) => ({
        domain,
        tokens: own.tokens,
        tokenRate: [...tokenRates(own.counts, own.tokens)]
      })),
    uniformTokenRate: uniformTokenRate(experts, topK),
    vocabularySpecialisation: numberOrNull(vocabularyOf(evidence, router).mean),
    contextStability: stability
      ? {
          sameId: numberOrNull(stability.sameId),
          anyTwo: numberOrNull(stability.anyTwo),
          ids: stability.ids
        }
      : { sameId: null, anyTwo: null, ids: 0 },
    pipelines: link?.tokens
      ? { fromLayer: link.from.layer, steps: link.pipelines() }
      : null,
    forecast: series
      ? forecast(
          series,
          largeChanges(
            router,
            series,
            thresholds,
            evidence.tally.routers.length
          ),
          topK
        )
      : TOO_SHORT
  };
}
