/** Figures of traces; what draws them is loaded at the first one. */
import { createRequire } from 'node:module';
import type * as TraceFigures from './trace-figures';

export type { Figure } from './figure';
export type { ExpertMatrix, Loads, RateMatrix } from './layer-figures';
export type { LayerPlace } from './trace-figures';

const load = createRequire(__filename);

export const layerFigure: typeof TraceFigures.layerFigure = (...given) =>
  (load('./trace-figures') as typeof TraceFigures).layerFigure(...given);

export const tokenSimilarityFigure: typeof TraceFigures.tokenSimilarityFigure =
  (...given) =>
    (load('./trace-figures') as typeof TraceFigures).tokenSimilarityFigure(
      ...given
    );

export const traceFigure: typeof TraceFigures.traceFigure = (...given) =>
  (load('./trace-figures') as typeof TraceFigures).traceFigure(...given);
