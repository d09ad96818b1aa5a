import { labelledIndices } from './token-labels';

/**
 * A band for each of 0, 1, ..., count - 1, without gaps. Aligned to the start: centred, the first band may begin at
 * -1e-14 by rounding, and Vega drops the label of a band that begins outside the plot.
 */
export function bandScale(count: number): Record<string, unknown> {
  return { domain: labelledIndices(count, 1), padding: 0, align: 0 };
}
