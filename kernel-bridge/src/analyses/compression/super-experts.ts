/** Super experts: the few whose outputs hold the extreme values that the model's attention sinks rest on. */
import { median } from '../../base/statistics/summary';

/** a > P99.5, and a > 1/10 of the largest (arXiv 2507.23279, equation 8). */
const PERCENTILE = 0.995;
const OF_LARGEST = 1 / 10;
/** With fewer experts in the model the percentile lies above all but the largest, whatever they are. */
const PERCENTILE_NEEDS = 200;
/** How far an expert stands out of the other experts of its layer. */
const OF_LAYER = 10;

/**
 * Experts whose largest output value is extreme: above the 99.5th percentile of all experts of the model and a tenth of
 * the largest, as arXiv 2507.23279 has it. Its third condition, a layer that forms massive activations, is read as: the
 * value is 10 times the median of the other experts of its layer. Without it every model would have a super expert,
 * and later layers, whose outputs all are large, would have many.
 *
 * @param layers by layer and expert, the largest |value| of an output over the tokens that select the expert; NaN where
 * unknown
 * @returns the super experts of each layer, the most extreme first
 */
export function superExperts(layers: readonly ArrayLike<number>[]): number[][] {
  const all = layers
    .flatMap(layer => Array.from(layer))
    .filter(value => Number.isFinite(value) && value > 0)
    .sort((a, b) => a - b);
  const least = Math.max(
    all.length < PERCENTILE_NEEDS ? 0 : quantile(all, PERCENTILE),
    OF_LARGEST * (all.at(-1) ?? 0)
  );
  return layers.map(layer => {
    const peaks = Array.from(layer);
    return peaks
      .flatMap((peak, expert) => {
        const others = peaks.filter(
          (value, other) => other !== expert && value > 0
        );
        return peak > least && peak > OF_LAYER * median(others)
          ? [{ expert, peak }]
          : [];
      })
      .sort((a, b) => b.peak - a.peak)
      .map(({ expert }) => expert);
  });
}

/** Of sorted values, by linear interpolation. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
