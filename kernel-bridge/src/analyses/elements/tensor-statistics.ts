/** Statistics of a stored tensor: moments, histogram, and the singular values of a matrix. */
import type { WeightElement } from '../../base/protocol';
import { squaredSingularValues } from '../../measures/singular-values';

export const HISTOGRAM_BINS = 48;
/** Singular values that are shown. */
const MAX_VALUES = 512;
/** The Gram matrix of larger ones would take seconds. */
const MAX_SIDE = 512;
const MAX_PRODUCTS = 6e8;

export type TensorStatistics = Omit<
  WeightElement,
  'tensor' | 'role' | 'shape' | 'bits' | 'quantized'
>;

/**
 * @param values row-major
 * @param shape of the values; other than their number where the file packs them
 */
export function tensorStatistics(
  values: Float32Array,
  shape: readonly number[]
): TensorStatistics {
  const moments = momentsOf(values);
  return {
    elements: values.length,
    ...moments,
    histogram: histogramOf(values, moments.min, moments.max),
    ...spectrumOf(values, shape, moments.nonFinite)
  };
}

function momentsOf(
  values: Float32Array
): Omit<
  TensorStatistics,
  'elements' | 'histogram' | 'spectrum' | 'effectiveRank' | 'note'
> {
  let [nonFinite, zeros, sum, squares] = [0, 0, 0, 0];
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) {
      nonFinite++;
      continue;
    }
    zeros += value === 0 ? 1 : 0;
    sum += value;
    squares += value * value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const count = values.length - nonFinite;
  const mean = count > 0 ? sum / count : 0;
  return {
    nonFinite,
    zeros,
    norm: Math.sqrt(squares),
    mean,
    deviation:
      count > 0 ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : 0,
    min: count > 0 ? min : 0,
    max: count > 0 ? max : 0
  };
}

function histogramOf(values: Float32Array, min: number, max: number): number[] {
  const bins = new Array<number>(HISTOGRAM_BINS).fill(0);
  const width = (max - min) / HISTOGRAM_BINS;
  for (const value of values) {
    if (Number.isFinite(value)) {
      const bin = width > 0 ? Math.floor((value - min) / width) : 0;
      bins[Math.min(HISTOGRAM_BINS - 1, bin)]++;
    }
  }
  return bins;
}

type Spectrum = Pick<TensorStatistics, 'spectrum' | 'effectiveRank' | 'note'>;

function spectrumOf(
  values: Float32Array,
  shape: readonly number[],
  nonFinite: number
): Spectrum {
  const none = (note?: string): Spectrum => ({
    spectrum: null,
    effectiveRank: null,
    ...(note === undefined ? {} : { note })
  });
  const sides = shape.filter(side => side !== 1);
  if (sides.length !== 2) {
    return none();
  }
  const [rows, columns] = sides;
  if (rows * columns !== values.length) {
    return none('no spectrum: the file packs this tensor in blocks');
  }
  if (nonFinite > 0) {
    return none('no spectrum: it has values that are not finite');
  }
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  if (short > MAX_SIDE || short * short * long > MAX_PRODUCTS) {
    return none(
      `no spectrum: ${rows} × ${columns} would take seconds, above ${MAX_SIDE} on the shorter side`
    );
  }
  const spectrum = squaredSingularValues(values, rows)
    .map(Math.sqrt)
    .sort((a, b) => b - a);
  return {
    spectrum: spectrum.slice(0, MAX_VALUES),
    effectiveRank: effectiveRankOf(spectrum)
  };
}

/** exp(-Σ p ln p) with p = σ / Σ σ (Roy and Vetterli 2007, "The effective rank"). */
function effectiveRankOf(spectrum: readonly number[]): number | null {
  const total = spectrum.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) {
    return null;
  }
  let entropy = 0;
  for (const value of spectrum) {
    const p = value / total;
    entropy -= p > 0 ? p * Math.log(p) : 0;
  }
  return Math.exp(entropy);
}
