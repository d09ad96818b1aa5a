/** Chart of all layers with a slider, for JupyterLab without this extension. */
import { layerName, tokensOf, type RoutingSample } from '../protocol';
import {
  ROUTING_CONFIG,
  plotSize,
  routingEncoding,
  subtitle,
  tokenLabels,
  tokensWithin
} from './routing-plot';
import {
  hasWeights,
  longestRun,
  routingRows,
  weightCeiling
} from './routing-rows';
import { VEGA_LITE_5, type VegaLiteSpec } from './spec';
import { tokenText } from './token-labels';

export interface RoutingFallbackOptions {
  /** The model's name, shown in the title. */
  model?: string;
  /** Initial position of the slider. */
  layerIndex?: number;
  /** Maximum number of rows over all layers, of about 80 bytes each; later tokens are omitted, and the subtitle says so. */
  maxRows?: number;
}

const MAX_ROWS = 6000;

/** The experts that each token selected, with a range slider over layers. Works in Vega-Lite 5.6, loads nothing. */
export function routingFallbackSpec(
  sample: RoutingSample,
  options: RoutingFallbackOptions = {}
): VegaLiteSpec {
  const { layers } = sample;
  const rowsPerToken = layers.reduce((sum, layer) => sum + layer.topK, 0);
  const longest = longestRun(sample);
  const shown = tokensWithin(
    longest,
    rowsPerToken,
    options.maxRows ?? MAX_ROWS
  );
  const experts = Math.max(0, ...layers.map(layer => layer.experts));
  const size = plotSize(shown, experts);
  const layerIndex = Math.min(
    Math.max(options.layerIndex ?? 0, 0),
    Math.max(layers.length - 1, 0)
  );
  return {
    $schema: VEGA_LITE_5,
    title: {
      text: { expr: titles(sample, options.model) },
      subtitle: subtitle(
        layers[0]?.topK ?? 0,
        experts,
        shown,
        longest,
        hasWeights([sample])
      ),
      anchor: 'start'
    },
    width: size.width,
    height: size.height,
    params: [
      {
        name: 'layer',
        value: layerIndex,
        bind: {
          input: 'range',
          min: 0,
          max: Math.max(layers.length - 1, 0),
          step: 1,
          name: 'MoE layer '
        }
      }
    ],
    data: {
      values: layers.flatMap((layer, index) =>
        routingRows(layer, tokensOf(sample, layer).map(tokenText), shown).map(
          row => ({ layer: index, ...row })
        )
      )
    },
    transform: [{ filter: 'datum.layer === layer' }],
    mark: { type: 'rect' },
    encoding: routingEncoding(shown, experts, size, labels(sample, shown), {
      ceiling: weightCeiling([sample]),
      known: hasWeights([sample])
    }),
    config: ROUTING_CONFIG
  };
}

/** Vega expression for the name of the layer at the slider. */
function titles(sample: RoutingSample, model: string | undefined): string {
  const names = sample.layers.map(layer =>
    [model, layerName(layer)].filter(Boolean).join(' · ')
  );
  return `${JSON.stringify(names)}[layer]`;
}

/** Vega expression for a token's label: encoder and decoder layers have different tokens. */
function labels(sample: RoutingSample, shown: number): string {
  const size = plotSize(shown, 1);
  const expression = (tokens: RoutingSample['tokens']) =>
    tokenLabels(tokens.slice(0, shown), size);
  const encoder = sample.layers.map(layer => layer.stack === 'encoder');
  return encoder.includes(true)
    ? `${JSON.stringify(encoder)}[layer] ? ${expression(sample.encoderTokens ?? [])} : ${expression(sample.tokens)}`
    : expression(sample.tokens);
}
