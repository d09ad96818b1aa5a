/** Applies edits to routings outside the graph, with the arithmetic of the edited graph. */
import type { Routed } from './route';

/** Added to a logit, it masks the expert: its score is exactly 0, and unlike -Infinity it never leads to NaN. */
export const MASKED_LOGIT = -1e30;

/** Edits of one router. A table has one row for all tokens or one a token; an absent table changes nothing. */
export interface Adjustment {
  /** [rows, experts], added to the logits. */
  bias?: Float32Array;
  /** [rows, experts]: factor of an expert's final weight, where the router chose it. */
  scale?: Float32Array;
  /** [rows, experts]: the expert that runs instead of each chosen one. */
  map?: Int32Array;
  /** [rows, topK]: forced experts; -1 keeps the router's choice. */
  ids?: Int32Array;
  /** [rows, topK]: the weights of `ids`. */
  values?: Float32Array;
}

/** Adds the bias table. @returns [tokens, experts] */
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

/** Applies the tables other than `bias` to the routing of adjusted logits. */
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

/** The rows of one token. */
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
