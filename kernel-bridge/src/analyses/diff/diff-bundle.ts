/** How a routing diff shows itself: the picture of the first prompt, and a table of the layers over all prompts. */
import { routingDiffSpec, type RoutingDiffChart } from '../../base/charts';
import { specSvg } from '../../show/still-svg';
import type { JsonObject } from '../../base/kernel-api';
import { layerName } from '../../base/protocol';
import { pictureBundle, type ResultTable } from '../../show/result-table';
import type { DiffData, SampleDiff } from './diff-data';
import { diffWords, mostMoved } from './diff-text';

/** The chart shows the first prompt; table and text cover all. */
export function diffBundle(diff: DiffData, text: string): Promise<JsonObject> {
  return pictureBundle(
    routingDiffSpec(diffChart(diff, diff.samples[0])),
    diffTable(diff),
    text
  );
}

/** A row for each layer that both runs have. */
export function diffTable(diff: DiffData): ResultTable {
  const [title, notes] = diffWords(diff);
  return {
    title,
    columns: [
      'layer',
      'topK',
      'tokens',
      'changed',
      'changedShare',
      'nearMisses',
      'nearMissShare',
      'jaccard',
      'weightDistance',
      'left',
      'entered'
    ],
    rows: diff.layers.map(layer => [
      layerName(layer),
      layer.topK.a === layer.topK.b
        ? layer.topK.a
        : `${layer.topK.a} and ${layer.topK.b}`,
      layer.tokens,
      layer.changed,
      layer.changedShare,
      layer.nearMissShare === null ? null : layer.nearMisses,
      layer.nearMissShare,
      layer.jaccard,
      layer.weightDistance,
      mostMoved(layer.left),
      mostMoved(layer.entered)
    ]),
    notes
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
