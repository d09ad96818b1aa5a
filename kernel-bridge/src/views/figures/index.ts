/** Figures of traces; the drawing code is loaded with the first one. */
import { lazily } from '../../base/lazily';

export type { Figure } from '../../show/figure';
export type {
  ExpertSimilarityOptions,
  SimilarityOf
} from './expert-similarity';
export type { LayerPlace } from './find-layer';
export type { ExpertMatrix, Loads, RateMatrix } from './layer-figures';

export const layerFigure = lazily(
  () => require('./trace-figures') as typeof import('./trace-figures'),
  'layerFigure'
);
export const tokenSimilarityFigure = lazily(
  () => require('./trace-figures') as typeof import('./trace-figures'),
  'tokenSimilarityFigure'
);
export const traceFigure = lazily(
  () => require('./trace-figures') as typeof import('./trace-figures'),
  'traceFigure'
);
export const expertSimilarity = lazily(
  () => require('./expert-similarity') as typeof import('./expert-similarity'),
  'expertSimilarityFigure'
);
