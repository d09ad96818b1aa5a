/** Figures of a trace, layer by layer. */
import { tokenSetSimilarity } from '../../analyses/behaviour';
import { MoEDebuggerError } from '../../base/errors';
import { TraceEvidence } from '../../analyses/findings/trace-evidence';
import { METRICS, tallyTrace, type RouterTally } from '../../measures';
import {
  counted,
  layerName,
  type FigureName,
  type RoutingSample,
  type TraceFigure
} from '../../base/protocol';
import type { Figure } from '../../show/figure';
import { findLayer, type LayerPlace } from './find-layer';
import {
  coactivationFigure,
  domainsFigure,
  expertMatrixFigure,
  loadsFigure,
  overTimeFigure,
  type ExpertMatrix
} from './layer-figures';

export interface TraceOfModel {
  model: string;
  samples: readonly RoutingSample[];
}

const FIGURES = {
  loads: loadsFigure,
  coactivation: coactivationFigure,
  domains: domainsFigure,
  overTime: overTimeFigure
};

/** @throws MoEDebuggerError 'input' for a layer that does not exist or is ambiguous, or without domains */
export function layerFigure<Name extends keyof typeof FIGURES>(
  name: Name,
  { model, samples }: TraceOfModel,
  place: LayerPlace
): ReturnType<(typeof FIGURES)[Name]> {
  const tally = findLayer(tallyTrace({ samples }).routers, place, routerOf);
  if (name === 'domains' && tally.domains.size === 0) {
    throw new MoEDebuggerError('input', 'no sample of the trace has a domain', {
      where: layerName(tally.router),
      hint: "trace prompts such as { text, domain: 'code' }"
    });
  }
  return FIGURES[name](tally, model) as ReturnType<(typeof FIGURES)[Name]>;
}

/** Jaccard index of the sets of token ids that select each pair of experts. */
export function tokenSimilarityFigure(
  { model, samples }: TraceOfModel,
  place: LayerPlace
): Figure<ExpertMatrix> {
  const evidence = TraceEvidence.of(samples);
  const tally = findLayer(evidence.tally.routers, place, routerOf);
  return expertMatrixFigure(tokenSetSimilarity(evidence, tally), tally, {
    title: `${model} · ${layerName(tally.router)} · similarity of tokens`,
    measure: METRICS.jaccard.title,
    about: 'token ids that select both experts, of those that select either'
  });
}

/**
 * A figure by its name, for the layer at an index of the trace's layers.
 * @throws MoEDebuggerError 'input' for an index out of range, or without domains
 */
export function traceFigure(
  trace: TraceOfModel,
  name: FigureName,
  layerIndex: number
): TraceFigure {
  const { routers } = tallyTrace(trace);
  const router = routers[layerIndex]?.router;
  if (!router) {
    throw new MoEDebuggerError(
      'input',
      `layer index ${layerIndex} is out of range`,
      {
        hint: `the trace has ${counted(routers.length, 'layer')}`
      }
    );
  }
  const figure: Figure<object> =
    name === 'similarity'
      ? tokenSimilarityFigure(trace, router)
      : layerFigure(name, trace, router);
  return {
    name,
    layers: routers.map(own => layerName(own.router)),
    layerIndex,
    drawing: figure.drawing,
    text: String(figure)
  };
}

const routerOf = ({ router }: RouterTally): RouterTally['router'] => router;
