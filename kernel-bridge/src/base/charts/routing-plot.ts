/** Shared parts of the static chart and the fallback chart with a slider. */
import { counted, type Token } from '../protocol';
import { bandScale } from './band-scale';
import {
  labelExpression,
  labelStride,
  labelledIndices,
  tokenLabel
} from './token-labels';

/** Size of the plot in pixels, and the distance between labelled tokens and experts. */
export interface PlotSize {
  width: number;
  height: number;
  tokenStride: number;
  expertStride: number;
}

/** Number of tokens whose selections fit `maxRows`; at least one. */
export function tokensWithin(
  tokens: number,
  rowsPerToken: number,
  maxRows: number
): number {
  return Math.min(
    tokens,
    Math.max(1, Math.floor(maxRows / Math.max(rowsPerToken, 1)))
  );
}

export function plotSize(tokens: number, experts: number): PlotSize {
  const width = Math.round(Math.min(Math.max(tokens * 15, 120), 720));
  const height = Math.round(Math.min(Math.max(experts * 15, 60), 420));
  return {
    width,
    height,
    tokenStride: labelStride(tokens, width, 12),
    expertStride: labelStride(experts, height, 12)
  };
}

/** Vega expression for the token labels. */
export function tokenLabels(
  tokens: readonly Token[],
  { tokenStride }: PlotSize
): string {
  return labelExpression(
    new Map(
      labelledIndices(tokens.length, tokenStride).map(i => [
        i,
        tokenLabel(tokens[i])
      ])
    )
  );
}

export function subtitle(
  topK: number,
  experts: number,
  shown: number,
  tokens: number,
  weighted: boolean
): string {
  const count =
    shown < tokens
      ? `first ${shown} of ${counted(tokens, 'token')}`
      : counted(tokens, 'token');
  const what = `the top ${topK} of ${counted(experts, 'expert')}, ${count}`;
  return weighted ? `weights of ${what}` : `${what}; weights were not recorded`;
}

/** Colour of a selection whose weight was not recorded. */
const SELECTED = '#4193b0';

export function routingEncoding(
  tokens: number,
  experts: number,
  size: PlotSize,
  labelExpr: string,
  weights: { ceiling: number; known: boolean }
): Record<string, unknown> {
  return {
    x: {
      field: 'token',
      type: 'ordinal',
      title: 'token',
      scale: bandScale(tokens),
      axis: {
        values: labelledIndices(tokens, size.tokenStride),
        labelExpr,
        labelAngle: -60,
        labelOverlap: false
      }
    },
    y: {
      field: 'expert',
      type: 'ordinal',
      title: 'expert',
      scale: bandScale(experts),
      axis: { values: labelledIndices(experts, size.expertStride) }
    },
    color: weights.known
      ? {
          field: 'weight',
          type: 'quantitative',
          title: 'weight',
          scale: { domain: [0, weights.ceiling], scheme: 'tealblues' },
          legend: { gradientLength: Math.min(size.height, 120) }
        }
      : { value: SELECTED },
    tooltip: [
      { field: 'text', type: 'nominal', title: 'token' },
      { field: 'token', type: 'quantitative', title: 'position' },
      { field: 'expert', type: 'quantitative', title: 'expert' },
      ...(weights.known
        ? [{ field: 'weight', type: 'quantitative', title: 'weight' }]
        : []),
      { field: 'rank', type: 'quantitative', title: 'rank' }
    ]
  };
}

export const ROUTING_CONFIG = {
  axis: { ticks: false, domain: false, labelFontSize: 10, titleFontSize: 11 },
  view: { stroke: '#bbb' },
  title: { fontSize: 13, subtitleFontSize: 11, offset: 8 }
};
