/** Static chart of one layer's routing, as SVG output for GitHub and nbconvert. */
import { layerName, tokensOf, type RoutingSample } from '../protocol';
import {
  ROUTING_CONFIG,
  plotSize,
  routingEncoding,
  subtitle,
  tokenLabels,
  tokensWithin
} from './routing-plot';
import { hasWeights, routingRows, weightCeiling } from './routing-rows';
import { VEGA_LITE_5, type VegaLiteSpec } from './spec';
import { tokenText } from './token-labels';

export interface RoutingStillOptions {
  /** The model's name, shown in the title. */
  model?: string;
  /** Maximum number of selections; later tokens are omitted, and the subtitle says so. */
  maxRows?: number;
}

const MAX_ROWS = 4000;

/**
 * The experts that each token selected in one layer, without interaction. A Vega-Lite 5 document that version 6 reads too.
 * @throws RangeError when the sample has no such layer.
 */
export function routingStillSpec(
  sample: RoutingSample,
  layerIndex: number,
  options: RoutingStillOptions = {}
): VegaLiteSpec {
  const layer = sample.layers[layerIndex];
  if (!layer) {
    throw new RangeError(
      `layer index ${layerIndex} of ${sample.layers.length} layers`
    );
  }
  const tokens = tokensOf(sample, layer);
  const shown = tokensWithin(
    tokens.length,
    layer.topK,
    options.maxRows ?? MAX_ROWS
  );
  const size = plotSize(shown, layer.experts);
  return {
    $schema: VEGA_LITE_5,
    title: {
      text: [options.model, layerName(layer)].filter(Boolean).join(' · '),
      subtitle: subtitle(
        layer.topK,
        layer.experts,
        shown,
        tokens.length,
        layer.weights.length > 0
      ),
      anchor: 'start'
    },
    width: size.width,
    height: size.height,
    data: { values: routingRows(layer, tokens.map(tokenText), shown) },
    mark: { type: 'rect', tooltip: true },
    encoding: routingEncoding(
      shown,
      layer.experts,
      size,
      tokenLabels(tokens.slice(0, shown), size),
      { ceiling: weightCeiling([sample]), known: hasWeights([sample]) }
    ),
    config: ROUTING_CONFIG
  };
}
