/** Figures and findings of all that a session has captured. */
import { surveyModel } from '../analyses/on-demand';
import {
  diagnose,
  TraceEvidence,
  type ExpertSurvey
} from '../analyses/findings';
import { numberOrNull } from '../analyses/findings/finding';
import {
  resolveThresholds,
  type Thresholds
} from '../analyses/findings/thresholds';
import type { RoutingSample } from '../base/protocol';
import { layerMetrics } from '../measures';
import type { ModelHandle } from '../run/model/loaded-model';
import type { DiagnosticResult, ExpertMetrics, RoutingStats } from './records';

export class SessionFigures {
  private _evidence = new TraceEvidence();
  private _surveys: ExpertSurvey[] | undefined;

  constructor(
    private readonly _sessionId: string,
    private readonly _model: ModelHandle,
    private readonly _thresholds: Partial<Thresholds>
  ) {}

  get tokens(): number {
    return this._evidence.tally.tokens;
  }

  get samples(): number {
    return this._evidence.tally.samples;
  }

  add(sample: RoutingSample): void {
    this._evidence.add(sample);
  }

  clear(): void {
    this._evidence = new TraceEvidence();
  }

  routingStats(layer?: number): RoutingStats[] {
    return this._tallies(layer).map(tally => {
      const metrics = layerMetrics(tally);
      return {
        ...placeOf(tally.router),
        experts: metrics.experts,
        topK: metrics.topK,
        tokens: metrics.tokens,
        loadBalance: metrics.jain,
        loadEntropy: metrics.loadEntropy,
        averageConfidence: numberOrNull(metrics.meanConfidence),
        firstChoiceRepetition: metrics.firstChoiceRepetition,
        droppedSlotRate: metrics.droppedSlotRate
      };
    });
  }

  expertMetrics(layer?: number): ExpertMetrics[] {
    return this._tallies(layer).flatMap(tally => {
      const metrics = layerMetrics(tally);
      return Array.from(tally.counts, (activationCount, expertIdx) => ({
        sessionId: this._sessionId,
        ...placeOf(tally.router),
        expertIdx,
        activationCount,
        tokenRate: metrics.tokenRate[expertIdx],
        tokenRateUpperBound: metrics.tokenRateUpperBound[expertIdx],
        slotShare: metrics.slotShare[expertIdx],
        firstChoiceCount: tally.firstChoice[expertIdx],
        averageWeight: metrics.meanWeight[expertIdx]
      }));
    });
  }

  expertUtilization(): { layerIdx: number; tokenRate: number[] }[] {
    return this._tallies().map(tally => ({
      ...placeOf(tally.router),
      tokenRate: [...layerMetrics(tally).tokenRate]
    }));
  }

  issues(): DiagnosticResult[] {
    if (this.samples === 0) {
      return [];
    }
    const timestamp = Date.now();
    const { findings } = diagnose(this._evidence, {
      model: this._model.name,
      experts: this._surveyed(),
      thresholds: this._thresholds
    });
    return findings.map(finding => ({
      ...finding,
      timestamp,
      sessionId: this._sessionId,
      layerIdx: finding.layer
    }));
  }

  private _surveyed(): ExpertSurvey[] {
    if (!this._surveys) {
      const { duplicate_similarity_threshold } = resolveThresholds(
        this._thresholds
      );
      this._surveys = surveyModel(
        this._model.loaded.description.model.path,
        duplicate_similarity_threshold
      );
    }
    return this._surveys;
  }

  private _tallies(layer?: number) {
    return this._evidence.tally.routers.filter(
      ({ router }) => layer === undefined || router.layer === layer
    );
  }
}

function placeOf({
  layer,
  stack,
  module
}: {
  layer: number;
  stack?: 'encoder' | 'decoder';
  module?: string;
}) {
  return {
    layerIdx: layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
}
