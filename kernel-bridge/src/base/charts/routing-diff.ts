/** Static chart of the tokens whose experts changed, layer by layer. */
import type { Token } from '../protocol';
import { bandScale } from './band-scale';
import { ROUTING_CONFIG, plotSize, tokenLabels } from './routing-plot';
import { VEGA_LITE_5, type VegaLiteSpec } from './spec';
import { labelExpression, labelledIndices, tokenText } from './token-labels';

/** One token at one layer. */
export interface RoutingDiffCell {
  /** Index into `tokens`. */
  token: number;
  /** Index into `layers`. */
  layer: number;
  /** 1 - Jaccard: share of the experts in either run that are in only one. */
  changed: number;
  left: readonly number[];
  entered: readonly number[];
  nearMiss: boolean;
}

export interface RoutingDiffChart {
  title: string;
  subtitle?: string;
  tokens: readonly Token[];
  /** Names of the layers, in graph order. */
  layers: readonly string[];
  /** Missing cells are blank: only one run has the token. */
  cells: readonly RoutingDiffCell[];
  /** Maximum number of cells; later tokens are omitted, and the subtitle says so. */
  maxCells?: number;
}

const MAX_CELLS = 8000;

/** A heatmap of tokens and layers, coloured by the share of changed experts. A Vega-Lite 5 document. */
export function routingDiffSpec(chart: RoutingDiffChart): VegaLiteSpec {
  const { tokens, layers } = chart;
  const shown = Math.min(
    tokens.length,
    Math.max(
      1,
      Math.floor((chart.maxCells ?? MAX_CELLS) / Math.max(layers.length, 1))
    )
  );
  const size = plotSize(shown, layers.length);
  return {
    $schema: VEGA_LITE_5,
    title: {
      text: chart.title,
      subtitle: [
        chart.subtitle,
        shown < tokens.length ? `first ${shown} of ${tokens.length} tokens` : ''
      ]
        .filter(Boolean)
        .join(', '),
      anchor: 'start'
    },
    width: size.width,
    height: size.height,
    data: {
      values: chart.cells
        .filter(({ token }) => token < shown)
        .map(cell => ({
          token: cell.token,
          text: tokenText(tokens[cell.token]),
          layer: cell.layer,
          name: layers[cell.layer],
          changed: Math.round(cell.changed * 1e4) / 1e4,
          left: cell.left.join(', '),
          entered: cell.entered.join(', '),
          near: cell.nearMiss && cell.changed > 0 ? 'yes' : 'no'
        }))
    },
    mark: { type: 'rect', tooltip: true },
    encoding: {
      x: {
        field: 'token',
        type: 'ordinal',
        title: 'token',
        scale: bandScale(shown),
        axis: {
          values: labelledIndices(shown, size.tokenStride),
          labelExpr: tokenLabels(tokens.slice(0, shown), size),
          labelAngle: -60,
          labelOverlap: false
        }
      },
      y: {
        field: 'layer',
        type: 'ordinal',
        title: null,
        scale: bandScale(layers.length),
        axis: {
          labelExpr: labelExpression(new Map(layers.entries())),
          labelOverlap: true
        }
      },
      color: {
        field: 'changed',
        type: 'quantitative',
        title: 'changed',
        scale: { domain: [0, 1], scheme: 'oranges' },
        legend: { format: '%', gradientLength: Math.min(size.height, 120) }
      },
      tooltip: [
        { field: 'text', type: 'nominal', title: 'token' },
        { field: 'name', type: 'nominal', title: 'layer' },
        { field: 'changed', type: 'quantitative', format: '.0%' },
        { field: 'left', type: 'nominal' },
        { field: 'entered', type: 'nominal' },
        { field: 'near', type: 'nominal', title: 'near miss' }
      ]
    },
    config: ROUTING_CONFIG
  };
}
