/**
 * How much of a text is independent evidence. A model routes the same token in the same context alike, so a repeated
 * prompt, a shared template or a loop that a model fell into says nothing new, however many tokens it has.
 */
import {
  NO_TOKEN_ID,
  tokensOf,
  type RoutingSample,
  type Stack,
  type Token
} from '../base/protocol';
import { mix } from './hash';
import { HashSet } from './hash-set';

/** Tokens of a context, the token itself included: two words with what joins them. */
const CONTEXT = 3;
/** Tokens, the token itself included, that decide how much a new context counts. */
const SURROUNDINGS = 16;
/** Tokens of unknown identity are compared by their routing, if it has at least this many different rows. */
const MIN_ROWS = 8;

/** What each token counts, by stack. */
export type SampleNovelty = ReadonlyMap<Stack | undefined, Float32Array>;

/** Tells what is new in each sample of a trace; memory is bounded. */
export class Novelty {
  private readonly _seen = new HashSet();

  /**
   * What each token of a sample counts, by stack: 0 where its context of three tokens occurred before, otherwise the share
   * of new contexts among the last 16 tokens. So the changed words of a near duplicate count little. The sum over tokens
   * is the effective number of tokens.
   */
  add(sample: RoutingSample): SampleNovelty {
    const result = new Map<Stack | undefined, Float32Array>();
    // What a decoder routes depends on the text that it was given.
    let before = 0;
    for (const layer of sample.layers) {
      if (!result.has(layer.stack)) {
        const tokens = tokensOf(sample, layer);
        const own = tokens.map(identity);
        const known = own.every(key => key !== undefined);
        result.set(
          layer.stack,
          known
            ? this._ofTokens(own, mix(stackSeed(layer.stack), before))
            : this._ofRouting(sample, layer.stack, tokens.length)
        );
        before = own.reduce<number>((hash, key) => mix(hash, key ?? 0), before);
      }
    }
    return result;
  }

  private _ofTokens(keys: readonly number[], seed: number): Float32Array {
    const fresh = new Uint8Array(keys.length);
    for (let t = 0; t < keys.length; t++) {
      let hash = seed;
      for (let back = CONTEXT - 1; back >= 0; back--) {
        // Before the first token is the start of the sequence.
        hash = mix(hash, t >= back ? keys[t - back] : -2);
      }
      fresh[t] = this._seen.add(hash) ? 1 : 0;
    }
    return weighted(fresh);
  }

  /** Of unknown tokens a whole sample can be recognised, by its routing. */
  private _ofRouting(
    sample: RoutingSample,
    stack: Stack | undefined,
    tokens: number
  ): Float32Array {
    const rows = new Array<number>(tokens).fill(0);
    for (const { selected, topK, stack: own } of sample.layers) {
      for (let slot = 0; own === stack && slot < selected.length; slot++) {
        const t = Math.floor(slot / topK);
        rows[t] = mix(rows[t], selected[slot]);
      }
    }
    const whole = rows.reduce((hash, row) => mix(hash, row), stackSeed(stack));
    const isNew = new Set(rows).size < MIN_ROWS || this._seen.add(whole);
    return new Float32Array(tokens).fill(isNew ? 1 : 0);
  }
}

/** A token is known by its id, or by its text; undefined if it is not known at all. */
function identity({ id, text }: Token): number | undefined {
  if (id !== NO_TOKEN_ID) {
    return id;
  }
  let hash = 17;
  for (let i = 0; i < (text?.length ?? 0); i++) {
    hash = mix(hash, text!.charCodeAt(i));
  }
  return text === undefined ? undefined : hash;
}

const stackSeed = (stack: Stack | undefined): number =>
  stack === 'encoder' ? 1 : 2;

function weighted(fresh: Uint8Array): Float32Array {
  const weights = new Float32Array(fresh.length);
  let recent = 0;
  for (let t = 0; t < fresh.length; t++) {
    recent += fresh[t] - (t >= SURROUNDINGS ? fresh[t - SURROUNDINGS] : 0);
    weights[t] = fresh[t] * (recent / Math.min(t + 1, SURROUNDINGS));
  }
  return weights;
}
