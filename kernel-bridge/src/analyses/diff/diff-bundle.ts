/** MIME bundle of a routing diff: Vega-Lite, SVG and text. */
import { routingDiffSpec, type RoutingDiffChart } from '../../base/charts';
import { specSvg } from '../../show/still-svg';
import type { JsonObject } from '../../base/kernel-api';
import { layerName, VEGALITE_MIME_TYPE } from '../../base/protocol';
import type { DiffData, SampleDiff } from './diff-data';

/** The chart shows the first prompt; the text covers all. */
export async function diffBundle(
  diff: DiffData,
  text: string
): Promise<JsonObject> {
  const spec = routingDiffSpec(diffChart(diff, diff.samples[0]));
  return {
    [VEGALITE_MIME_TYPE]: spec,
    'image/svg+xml': await specSvg(spec),
    'text/plain': text
  };
}

/** The picture of the first prompt. */
export function diffSvg(diff: DiffData): Promise<string> {
  return specSvg(routingDiffSpec(diffChart(diff, diff.samples[0])));
}

/** In encoder-decoder models the chart shows the decoder's tokens: one axis holds one text. */
export function diffChart(
  { runs, samples }: DiffData,
  sample: SampleDiff
): RoutingDiffChart {
  const { alignment } = sample;
  const layers = sample.layers.filter(
    ({ identity }) => identity.stack !== 'encoder'
  );
  const columns = alignment.tokens.flatMap(({ a, b }, column) =>
    a === null || b === null ? [] : [column]
  );
  return {
    title: [...new Set([runs.a.model, runs.b.model])].join(' and '),
    subtitle: [
      'changed experts',
      samples.length > 1 ? `prompt ${sample.id}` : ''
    ]
      .filter(Boolean)
      .join(', '),
    tokens: alignment.tokens.map(({ a, b }) =>
      a === null ? sample.samples.b.tokens[b!] : sample.samples.a.tokens[a]
    ),
    layers: layers.map(({ identity }) => layerName(identity)),
    cells: layers.flatMap((layer, row) =>
      columns.map((token, pair) => {
        const { left, entered, nearMiss, jaccard } = layer.at(pair);
        return {
          token,
          layer: row,
          changed: 1 - jaccard,
          left,
          entered,
          nearMiss
        };
      })
    )
  };
}
