/** Figures of traces; what draws them is loaded at the first one. */
import { createRequire } from 'node:module';
import type * as ExpertSimilarity from './expert-similarity';
import type * as TraceFigures from './trace-figures';

export type { Figure } from '../../show/figure';
export type {
  ExpertSimilarityOptions,
  SimilarityOf
} from './expert-similarity';
export type { LayerPlace } from './find-layer';
export type { ExpertMatrix, Loads, RateMatrix } from './layer-figures';

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

export const expertSimilarity: typeof ExpertSimilarity.expertSimilarityFigure =
  (...given) =>
    (
      load('./expert-similarity') as typeof ExpertSimilarity
    ).expertSimilarityFigure(...given);
