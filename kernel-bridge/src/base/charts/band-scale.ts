import { labelledIndices } from './token-labels';

/**
 * A band for each of 0, 1, ..., count - 1, without gaps. Aligned to the start: when centred, rounding may put the first
 * band at -1e-14, and Vega drops the label of a band that begins outside the plot.
 */
export function bandScale(count: number): Record<string, unknown> {
  return { domain: labelledIndices(count, 1), padding: 0, align: 0 };
}
