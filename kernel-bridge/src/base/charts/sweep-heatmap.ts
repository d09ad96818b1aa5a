/** Heatmap of a sweep: the effect of ablating each expert, layer by expert. */
import { layerName, type SweepDocument, type SweepRow } from '../protocol';
import { bandScale } from './band-scale';
import { labelExpression, labelledIndices, labelStride } from './token-labels';
import { ROUTING_CONFIG } from './routing-plot';
import { VEGA_LITE_6, type VegaLiteSpec } from './spec';

/** The measure that colours a cell. */
export type SweepMeasure = 'klMean' | 'klLast' | 'deltaLogProb' | 'deltaRank';

export interface SweepHeatmapOptions {
  /** Default 'klMean'. */
  measure?: SweepMeasure;
  /** Use the results on this domain's prompts; rows without it are omitted. */
  domain?: string;
  /** Width of the plot without axes, in pixels. Default: by the number of cells. */
  width?: number;
  height?: number;
  /** Default Vega-Lite 6. */
  schema?: string;
}

const TITLES: Record<SweepMeasure, string> = {
  klMean: 'mean KL (nats)',
  klLast: 'KL at the last token (nats)',
  deltaLogProb: 'change of log-probability (nats)',
  deltaRank: 'change of rank'
};

/** One cell: an expert of a router. */
export interface SweepCell {
  /** Index into the document's routers. */
  router: number;
  layer: string;
  expert: number;
  /** The measure; null where no finite value was measured. */
  value: number | null;
  tokens: number;
  klMean: number | null;
  klLast: number | null;
  deltaLogProb: number | null;
  deltaRank: number | null;
}

/** The cells of a sweep's heatmap, in the order of its rows. */
export function sweepCells(
  { routers, rows }: Pick<SweepDocument, 'routers' | 'rows'>,
  { measure = 'klMean', domain }: SweepHeatmapOptions = {}
): SweepCell[] {
  return rows.flatMap(row => {
    const figures =
      domain === undefined
        ? row
        : row.domains?.find(one => one.domain === domain);
    if (!figures) {
      return [];
    }
    const { klMean, klLast, deltaLogProb, deltaRank, tokensAffected } = figures;
    return [
      {
        router: routerOf(row, routers),
        layer: layerName(row),
        expert: row.expert,
        value: figures[measure],
        tokens: tokensAffected,
        klMean,
        klLast,
        deltaLogProb,
        deltaRank
      }
    ];
  });
}

/**
 * One cell per expert of each router. Divergences use a sequential colour scheme from 0, signed changes a diverging one
 * around 0. Experts that were not swept stay empty.
 */
export function sweepHeatmapSpec(
  document: Pick<SweepDocument, 'model' | 'mode' | 'routers' | 'rows'>,
  options: SweepHeatmapOptions = {}
): VegaLiteSpec {
  const { measure = 'klMean', domain, schema = VEGA_LITE_6 } = options;
  const { routers } = document;
  const experts = Math.max(1, ...routers.map(router => router.experts));
  const cells = sweepCells(document, options);
  const width = options.width ?? Math.min(Math.max(experts * 22, 120), 720);
  const height =
    options.height ?? Math.min(Math.max(routers.length * 22, 60), 480);
  const signed = measure === 'deltaLogProb' || measure === 'deltaRank';
  const peak =
    Math.max(0, ...cells.map(({ value }) => Math.abs(value ?? 0))) || 1;
  const labelled = labelledIndices(
    routers.length,
    labelStride(routers.length, height, 12)
  );
  return {
    $schema: schema,
    title: {
      text: `${document.model} · each expert ablated by ${document.mode}`,
      subtitle: `${TITLES[measure]}${domain === undefined ? '' : `, ${domain}`}`,
      anchor: 'start'
    },
    width,
    height,
    data: { values: cells },
    mark: { type: 'rect', tooltip: true },
    encoding: {
      x: {
        field: 'expert',
        type: 'ordinal',
        title: 'expert',
        scale: bandScale(experts),
        axis: {
          values: labelledIndices(experts, labelStride(experts, width, 18)),
          labelAngle: 0
        }
      },
      y: {
        field: 'router',
        type: 'ordinal',
        title: null,
        scale: bandScale(routers.length),
        axis: {
          values: labelled,
          labelExpr: labelExpression(
            new Map(labelled.map(i => [i, layerName(routers[i])]))
          )
        }
      },
      color: {
        field: 'value',
        type: 'quantitative',
        title: null,
        scale: signed
          ? { domain: [-peak, peak], domainMid: 0, scheme: 'redblue' }
          : { domain: [0, peak], scheme: 'tealblues' },
        legend: { gradientLength: Math.min(height, 120) }
      },
      tooltip: [
        { field: 'layer', type: 'nominal', title: 'layer' },
        { field: 'expert', type: 'quantitative', title: 'expert' },
        { field: 'tokens', type: 'quantitative', title: 'tokens' },
        ...(Object.keys(TITLES) as SweepMeasure[]).map(field => ({
          field,
          type: 'quantitative',
          title: TITLES[field],
          format: '.4g'
        }))
      ]
    },
    config: ROUTING_CONFIG
  };
}

function routerOf(row: SweepRow, routers: SweepDocument['routers']): number {
  return routers.findIndex(
    ({ layer, stack, module }) =>
      layer === row.layer && stack === row.stack && module === row.module
  );
}
