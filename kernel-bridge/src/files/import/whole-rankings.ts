/**
 * Tells a moe-trace whose ids are not those that the model chose. llama.cpp's `ffn_moe_topk` is a view of the first k of each
 * row of `argsort`, all experts by score (ggml_argsort_top_k). A tracer that copies it as if it were contiguous (the first
 * version of examples/moe-trace) gets the whole ranking of the first token, cut into pieces of k, for the first E / k tokens
 * of a batch, and so on. The experts of these pieces never repeat, as those of tokens do.
 */
import { refuse } from './importer';

/** The greatest probability that uniform routing looks so; less even routing repeats experts sooner. */
const MAX_CHANCE = 1e-9;

export class WholeRankings {
  private _isRouting = false;
  /** Every batch looks as if a program had dealt the experts out. */
  private _isRegular = true;
  private _topK = 1;
  private _largest = 0;
  /** Number of experts, once a ranking was followed by another one. */
  private _experts: number | undefined;
  /** How many tokens the layers' batches have. */
  private readonly _tokens: number[] = [];

  /** @param selected the ids of a batch at one layer, [tokens, topK] */
  add(selected: Int32Array, topK: number): void {
    if (this._isRouting || selected.length < 2 * topK) {
      return;
    }
    this._topK = topK;
    const seen = new Set<number>();
    for (const id of selected) {
      if (seen.has(id) || id < 0) {
        break;
      }
      seen.add(id);
      this._largest = Math.max(this._largest, id);
    }
    const distinct = seen.size;
    if (distinct < selected.length) {
      this._experts ??= distinct;
      this._isRouting ||= this._experts !== distinct;
    }
    this._isRegular &&= isRegular(selected.subarray(0, distinct), topK);
    this._tokens.push(distinct / topK);
  }

  /** @throws MoEDebuggerError 'input' when no batch has an expert twice where it should by chance */
  check(path: string, experts: number = this._largest + 1): void {
    const all = this._experts ?? Math.max(experts, this._largest + 1);
    if (this._isRouting || this._isRegular || this._largest >= all) {
      return;
    }
    let chance = 0;
    for (const tokens of this._tokens) {
      for (let t = 1; t < Math.floor(tokens); t++) {
        chance += logChanceOfNew(all, t * this._topK, this._topK);
      }
    }
    if (chance < Math.log(MAX_CHANCE)) {
      refuse(
        `the tokens of a batch never share an expert: the ids are the whole ranking of ${all} experts, cut into pieces of ${this._topK}, and not what tokens selected`,
        path,
        '',
        'the tracer copied ffn_moe_topk without its stride: use one that reads it row by row (nb[1]), or trace with -b 1 -ub 1'
      );
    }
  }
}

/** Whether each token's experts are those of the one before, shifted by the same number, as in data made by a program. */
function isRegular(ids: Int32Array, topK: number): boolean {
  const shift = ids[topK] - ids[0];
  return ids.every(
    (id, i) => i < topK || (id - ids[i - topK] - shift) % ids.length === 0
  );
}

/** Log of the probability that none of k different experts is among `used` of all. */
function logChanceOfNew(all: number, used: number, k: number): number {
  let log = 0;
  for (let i = 0; i < k; i++) {
    log += Math.log(Math.max(0, all - used - i) / (all - i));
  }
  return log;
}
