/**
 * How evenly a router loads its experts. c_e is how many tokens selected expert e, T the tokens, E the experts, k those a
 * token selects. All take `counts`, [E]. Without a single selection there is nothing to measure: NaN.
 */
import { entropy } from '../base/statistics/entropy';
import { sum } from './vectors';

/** Slot share f_e = c_e / sum c: what part of all selections an expert has; they sum to 1. [E] */
export function slotShares(counts: ArrayLike<number>): Float64Array {
  const total = sum(counts);
  return Float64Array.from(counts, count => count / total);
}

/** Token rate a_e = c_e / T: what part of tokens selects an expert; they sum to k. [E] */
export function tokenRates(
  counts: ArrayLike<number>,
  tokens: number
): Float64Array {
  return Float64Array.from(counts, count => count / tokens);
}

/** Jain's fairness index (sum c)^2 / (E sum c^2), from 1/E to 1 (Jain, Chiu and Hawe 1984, DEC-TR-301). */
export function jainIndex(counts: ArrayLike<number>): number {
  let squares = 0;
  for (let e = 0; e < counts.length; e++) {
    squares += counts[e] * counts[e];
  }
  return sum(counts) ** 2 / (counts.length * squares);
}

/** Coefficient of variation: population standard deviation of c over its mean. */
export function coefficientOfVariation(counts: ArrayLike<number>): number {
  const mean = sum(counts) / counts.length;
  let squares = 0;
  for (let e = 0; e < counts.length; e++) {
    squares += (counts[e] - mean) ** 2;
  }
  return Math.sqrt(squares / counts.length) / mean;
}

/** MaxVio = max c / mean c - 1 (arXiv 2408.15664): 0 at balance. */
export function maxViolation(counts: ArrayLike<number>): number {
  let largest = -Infinity;
  for (let e = 0; e < counts.length; e++) {
    largest = Math.max(largest, counts[e]);
  }
  return largest / (sum(counts) / counts.length) - 1;
}

/** 1 - sum |c - mean| / (2 sum c): "load balance" of Lazarus; 1 at balance. */
export function absoluteBalance(counts: ArrayLike<number>): number {
  const total = sum(counts);
  const mean = total / counts.length;
  let distance = 0;
  for (let e = 0; e < counts.length; e++) {
    distance += Math.abs(counts[e] - mean);
  }
  return 1 - distance / (2 * total);
}

/** Entropy of slot shares over its largest value, -sum f ln f / ln E: 1 at balance; of a single expert 1. */
export function loadEntropy(counts: ArrayLike<number>): number {
  const h = entropy(counts);
  // One expert has no other way to be loaded.
  return counts.length === 1 ? 1 + h : h / Math.log(counts.length);
}

/**
 * Switch Transformer's auxiliary loss E sum f_e P_e (arXiv 2101.03961): 1 at balance. f is the share of tokens whose
 * first choice e was, P the mean router probability.
 *
 * @param firstChoice [E], tokens
 * @param probability [E], summed over `tokens`
 */
export function switchAuxiliaryLoss(
  firstChoice: ArrayLike<number>,
  probability: ArrayLike<number>,
  tokens: number
): number {
  const choices = sum(firstChoice);
  let loss = 0;
  for (let e = 0; e < firstChoice.length; e++) {
    loss += (firstChoice[e] / choices) * (probability[e] / tokens);
  }
  return firstChoice.length * loss;
}

/**
 * Hugging Face's `load_balancing_loss_func`: E sum a_e P_e over all layers as if they were one, a being the token rate:
 * k at balance. Layers that are out of balance in opposite ways cancel (transformers#28255, #31464).
 */
export function pooledAuxiliaryLoss(
  layers: readonly {
    counts: ArrayLike<number>;
    probability: ArrayLike<number>;
    tokens: number;
  }[]
): number {
  const tokens = layers.reduce((total, layer) => total + layer.tokens, 0);
  const experts = layers[0]?.counts.length ?? 0;
  let loss = 0;
  for (let e = 0; e < experts; e++) {
    const selections = layers.reduce((n, { counts }) => n + counts[e], 0);
    const mass = layers.reduce((n, { probability }) => n + probability[e], 0);
    loss += (selections / tokens) * (mass / tokens);
  }
  return experts * loss;
}

/** Slots that an expert may take: ceil(k T / E * factor). */
export function expertCapacity(
  tokens: number,
  experts: number,
  topK: number,
  factor: number
): number {
  return Math.ceil(((topK * tokens) / experts) * factor);
}

/** Slots over an expert's capacity, all experts together, over all slots: what a capacity factor would drop. */
export function capacityDropRate(
  counts: ArrayLike<number>,
  capacity: number
): number {
  let over = 0;
  for (let e = 0; e < counts.length; e++) {
    over += Math.max(0, counts[e] - capacity);
  }
  return over / sum(counts);
}

/** What a capacity factor would drop. */
export interface CapacityPoint {
  factor: number;
  /** Slots over capacity, over all slots. */
  dropped: number;
}

/** Steps of 0.05; of 5 % where factors are large. Rounded, so that steps do not add up errors. */
function nextFactor(factor: number): number {
  return Math.ceil(20 * Math.max(factor + 0.05, factor * 1.05) - 1e-9) / 20;
}

/**
 * The drop curve: what capacity factors from 1 on drop when each batch has its own capacity, up to the first factor that
 * drops nothing.
 *
 * @param batches [batches][E], selections
 */
export function capacityCurve(
  batches: readonly ArrayLike<number>[],
  topK: number
): CapacityPoint[] {
  const slots = batches.reduce((total, counts) => total + sum(counts), 0);
  const curve: CapacityPoint[] = [];
  for (let factor = 1; slots > 0; factor = nextFactor(factor)) {
    let over = 0;
    for (const counts of batches) {
      const tokens = sum(counts) / topK;
      const capacity = expertCapacity(tokens, counts.length, topK, factor);
      for (let e = 0; e < counts.length; e++) {
        over += Math.max(0, counts[e] - capacity);
      }
    }
    curve.push({ factor, dropped: over / slots });
    if (over === 0) {
      break;
    }
  }
  return curve;
}

/** The smallest factor of a drop curve that drops less than a share of the slots; NaN for an empty curve. */
export function smallestFactor(
  curve: readonly CapacityPoint[],
  share: number
): number {
  return curve.find(({ dropped }) => dropped < share)?.factor ?? NaN;
}
