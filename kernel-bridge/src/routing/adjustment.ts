/** Applies edits to routings outside the graph, with the arithmetic of the edited graph. */
import { takeRows } from '../base/take-rows';
import type { Routed } from './route';

/** The logit of a masked expert: its score is exactly 0, and unlike -Infinity it never leads to NaN. */
export const MASKED_LOGIT = -1e30;

/** Edits of one router. A table has one row for all tokens or one a token; an absent table changes nothing. */
export interface Adjustment {
  /** [rows, experts], added to the logits. */
  bias?: Float32Array;
  /** [rows, experts], added to what experts are selected by. */
  selectionBias?: Float32Array;
  /** [rows, experts]: 1 for experts that cannot be selected. */
  mask?: Uint8Array;
  /** [rows, experts]: factor of an expert's final weight, where the router chose it. */
  scale?: Float32Array;
  /** [rows, experts]: the expert that runs instead of each chosen one. */
  map?: Int32Array;
  /** [rows, topK]: forced experts; -1 keeps the router's choice. */
  ids?: Int32Array;
  /** [rows, topK]: the weights of `ids`. */
  values?: Float32Array;
}

/** Adds the bias table and masks experts. @returns [tokens, experts] */
export function adjustLogits(
  logits: Float32Array,
  experts: number,
  { bias, mask }: Adjustment
): Float32Array {
  if (!bias && !mask) {
    return logits;
  }
  const at = (table: Float32Array | Uint8Array, i: number): number =>
    table[table.length === experts ? i % experts : i];
  return logits.map((value, i) =>
    mask && at(mask, i) ? MASKED_LOGIT : bias ? value + at(bias, i) : value
  );
}

/** Whether an expert cannot be selected at a token. */
export function isMasked(
  { mask }: Adjustment,
  experts: number,
  token: number,
  expert: number
): boolean {
  return mask?.[(mask.length === experts ? 0 : token * experts) + expert] === 1;
}

/** [experts]: what an edit adds to what the experts of a token are selected by. */
export function selectionBiasOf(
  { selectionBias }: Adjustment,
  experts: number,
  token: number
): Float32Array | undefined {
  return selectionBias && selectionBias.length > experts
    ? selectionBias.subarray(token * experts, (token + 1) * experts)
    : selectionBias;
}

/** Applies the tables other than those of logits and of the selection to the routing of adjusted logits. */
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

/** The rows of some tokens. */
export function ofTokens(
  { bias, selectionBias, mask, scale, map, ids, values }: Adjustment,
  tokens: readonly number[],
  experts: number,
  topK: number
): Adjustment {
  const rows = <T extends Float32Array | Int32Array | Uint8Array>(
    table: T | undefined,
    width: number
  ): T | undefined =>
    table && table.length > width ? takeRows(table, tokens, width) : table;
  return {
    bias: rows(bias, experts),
    selectionBias: rows(selectionBias, experts),
    mask: rows(mask, experts),
    scale: rows(scale, experts),
    map: rows(map, experts),
    ids: rows(ids, topK),
    values: rows(values, topK)
  };
}
