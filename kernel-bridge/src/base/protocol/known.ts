/** What a trace knows besides the selected experts. What was not recorded is not judged. */
import { NO_TOKEN_ID, type RoutingSample } from './routing';

export interface Known {
  /** The multipliers of the selected experts. */
  weights: boolean;
  /** The router's logits, or probabilities. */
  logits: boolean;
  tokenIds: boolean;
  texts: boolean;
  /** What kind of text a sample is. */
  domains: boolean;
}

export const NOTHING_KNOWN: Readonly<Known> = {
  weights: false,
  logits: false,
  tokenIds: false,
  texts: false,
  domains: false
};

export function knownOf(sample: RoutingSample): Known {
  const { layers, tokens, encoderTokens = [], domain } = sample;
  const all = [tokens, encoderTokens];
  return {
    weights: layers.some(({ weights }) => weights.length > 0),
    logits: layers.some(({ logits }) => logits.length > 0),
    tokenIds: all.some(own => own.some(({ id }) => id !== NO_TOKEN_ID)),
    texts: all.some(own => own.some(({ text }) => text !== undefined)),
    domains: domain !== undefined
  };
}

/** What any of several samples has. */
export function knownInAny(parts: Iterable<Known>): Known {
  const known = { ...NOTHING_KNOWN };
  for (const part of parts) {
    for (const what of Object.keys(known) as (keyof Known)[]) {
      known[what] ||= part[what];
    }
  }
  return known;
}
