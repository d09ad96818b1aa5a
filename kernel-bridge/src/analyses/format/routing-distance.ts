/** How far the routing of a text is from that of another, or of another form of it. */
import {
  tokensOf,
  type RoutingLayer,
  type RoutingSample
} from '../../base/protocol';
import { slotShares, totalVariation } from '../../measures';
import { alignTokens } from '../diff/align-tokens';

/** Slot shares of each router's experts, [routers][E]. */
export function sharesOf({ layers }: RoutingSample): Float64Array[] {
  return layers.map(({ selected, experts }) => {
    const counts = new Float64Array(experts);
    for (const expert of selected) {
      if (expert >= 0) {
        counts[expert]++;
      }
    }
    return slotShares(counts);
  });
}

/** The part of selections that moved, [routers]: total variation of slot shares. NaN where nothing was selected. */
export function loadDistance(
  a: readonly Float64Array[],
  b: readonly Float64Array[]
): number[] {
  return a.map((shares, router) => totalVariation(shares, b[router]));
}

export interface KeptDistance {
  tokens: number;
  /** Share of the slots of tokens that both have which select another expert: mean over routers. */
  moved: number;
}

/**
 * Of the tokens that two forms of a text have in common, in their order, how many slots select another expert. Undefined
 * where they have none, or are too long to align.
 *
 * @param counts routers that choose
 */
export function keptDistance(
  a: RoutingSample,
  b: RoutingSample,
  counts: readonly boolean[]
): KeptDistance | undefined {
  const own = a.layers.flatMap((layer, router) =>
    counts[router] ? [{ from: layer, to: b.layers[router] }] : []
  );
  if (own.length === 0) {
    return undefined;
  }
  const tokens = tokensOf(a, own[0].from);
  if (tokens.length + tokensOf(b, own[0].from).length > MAX_ALIGNED) {
    return undefined;
  }
  const { a: first, b: second } = alignTokens(
    tokens,
    tokensOf(b, own[0].from),
    a.id
  );
  // Decoders of encoder-decoder models see the same tokens; their routers are left out.
  const stack = own[0].from.stack;
  const routers = own.filter(({ from }) => from.stack === stack);
  if (first.length === 0) {
    return undefined;
  }
  const moved = routers.map(({ from, to }) => {
    let stays = 0;
    let slots = 0;
    first.forEach((token, i) => {
      const after = expertsOf(to, second[i]);
      for (const expert of expertsOf(from, token)) {
        if (expert >= 0) {
          slots++;
          stays += after.includes(expert) ? 1 : 0;
        }
      }
    });
    return slots === 0 ? 0 : 1 - stays / slots;
  });
  return {
    tokens: first.length,
    moved: moved.reduce((sum, share) => sum + share, 0) / moved.length
  };
}

/** Longer texts would take a table of more than 64 million cells. */
const MAX_ALIGNED = 8192;

function expertsOf(
  { selected, topK }: RoutingLayer,
  token: number
): Int32Array {
  return selected.subarray(token * topK, (token + 1) * topK);
}
