/** What an edit does to a router's rule, for tokens of one run: the same arithmetic that the edited graph does. */
import type { Routed } from './route';

/** Added to a logit, it takes it away: its score is exactly 0, and no arithmetic on it makes NaN as that of an infinity does. */
export const AWAY = -1e30;

/** Tables have one row for all tokens, or one a token; those that are absent change nothing. */
export interface Adjustment {
  /** [rows, experts], added to the logits. */
  bias?: Float32Array;
  /** [rows, experts]: what the final weight of an expert is multiplied by, if the router chose it. */
  scale?: Float32Array;
  /** [rows, experts]: the expert that runs in place of each that the router chose. */
  map?: Int32Array;
  /** [rows, topK]: experts that are taken whatever the router chose; -1 leaves the choice. */
  ids?: Int32Array;
  /** [rows, topK]: the weights of `ids`. */
  values?: Float32Array;
}

/** @returns [tokens, experts] */
export function adjustLogits(
  logits: Float32Array,
  experts: number,
  { bias }: Adjustment
): Float32Array {
  if (!bias) {
    return logits;
  }
  const shared = bias.length === experts;
  return logits.map(
    (value, i) => value + (shared ? bias[i % experts] : bias[i])
  );
}

/** What is left of a routing when an edit has acted on it; `routed` is that of the adjusted logits. */
export function adjustRouting(
  { selected, weights }: Routed,
  experts: number,
  topK: number,
  { scale, map, ids, values }: Adjustment
): Routed {
  const at = (
    table: Float32Array | Int32Array,
    token: number,
    width: number,
    column: number
  ): number => table[(table.length === width ? 0 : token * width) + column];
  const result: Routed = {
    selected: Int32Array.from(selected),
    weights: Float32Array.from(weights)
  };
  selected.forEach((expert, i) => {
    const token = Math.floor(i / topK);
    const slot = i % topK;
    const forced = ids ? at(ids, token, topK, slot) : -1;
    if (forced >= 0) {
      result.selected[i] = forced;
      result.weights[i] = at(values!, token, topK, slot);
      return;
    }
    if (scale) {
      result.weights[i] *= at(scale, token, experts, expert);
    }
    if (map) {
      result.selected[i] = at(map, token, experts, expert);
    }
  });
  return result;
}

/** The tables' rows of one token. */
export function ofToken(
  { bias, scale, map, ids, values }: Adjustment,
  token: number,
  experts: number,
  topK: number
): Adjustment {
  const row = <T extends Float32Array | Int32Array>(
    table: T | undefined,
    width: number
  ): T | undefined =>
    table && table.length > width
      ? (table.slice(token * width, (token + 1) * width) as T)
      : table;
  return {
    bias: row(bias, experts),
    scale: row(scale, experts),
    map: row(map, experts),
    ids: row(ids, topK),
    values: row(values, topK)
  };
}
