/** Checks captured experts and weights against the convention that was read of their router. */
import { MoEDebuggerError } from '../../base/errors';
import { layerName } from '../../base/protocol';
import {
  adjustLogits,
  adjustRouting,
  isMasked,
  ofTokens,
  selectionBiasOf,
  type Adjustment
} from '../../routing/adjustment';
import type { Convention, Rounding, Router } from '../../routing/convention';
import {
  choiceError,
  RELATIVE_WEIGHT_ERROR,
  weightError
} from '../../routing/rounding';
import {
  choiceValues,
  route,
  routeToken,
  sharedSum,
  type Routed
} from '../../routing/route';

/** Tokens of each layer that are checked; enough to notice a misread convention. */
const CHECKED_TOKENS = 64;

/** Relative error of adding a selection bias in float32: of the sum here and of the graph's. */
const BIAS_ROUNDING = 2 ** -22;

interface Captured {
  /** [tokens, experts] */
  logits: Float32Array;
  /** [tokens, topK] */
  selected: Int32Array;
  weights: Float32Array;
  /** [tokens, shared experts]: logits of those that are scored with the chosen. */
  shared?: Float32Array;
  tokens: number;
}

/** A weight that an expert may have, and how far the graph's may be from it. */
interface Expected {
  weight: number;
  error: number;
}

/** What of a router decides how it routes logits. */
type RoutingRule = Pick<Router, 'experts' | 'topK' | 'convention'> & {
  tensors: Pick<Router['tensors'], 'logitsAre'>;
};

/** Routes logits by the router's rule and the edits of it. */
export function routeEdited(
  { experts, topK, convention, tensors }: RoutingRule,
  logits: Float32Array,
  adjustment: Adjustment | undefined
): Routed {
  const own = route(
    adjustment ? adjustLogits(logits, experts, adjustment) : logits,
    experts,
    topK,
    convention,
    tensors.logitsAre,
    adjustment && ((token, e) => isMasked(adjustment, experts, token, e))
  );
  return adjustment ? adjustRouting(own, experts, topK, adjustment) : own;
}

/**
 * Recomputes the routing of the first tokens by the router's convention and compares, as exactly as the graph's arithmetic
 * allows. Compares (expert, weight) pairs, since experts with equal scores may come in any order. Skips tokens with
 * non-finite logits, which have no order.
 * @throws MoEDebuggerError 'capture'
 */
export function checkConvention(
  router: Router,
  { logits, selected, weights, shared, tokens }: Captured,
  adjustment?: Adjustment
): void {
  const { experts, topK, convention, tensors } = router;
  if (tensors.selected === null) {
    // It was computed by the convention.
    return;
  }
  const count = Math.min(tokens, CHECKED_TOKENS);
  let fitting = 0;
  let dropped = 0;
  for (let t = 0; t < count; t++) {
    const row = logits.subarray(t * experts, (t + 1) * experts);
    // An expert dropped by an edit cannot be distinguished from one dropped over capacity.
    if (
      !row.every(Number.isFinite) ||
      (convention.renormalizedKept && adjustment)
    ) {
      continue;
    }
    const own = selected.subarray(t * topK, (t + 1) * topK);
    const ownWeights = weights.subarray(t * topK, (t + 1) * topK);
    const width = convention.sharedScores ?? 0;
    const beside = shared?.subarray(t * width, (t + 1) * width);
    if (!adjustment && isRoutedAlike(router, row, own, ownWeights, beside)) {
      fitting += topK;
      continue;
    }
    const expected = expectedWeights(
      router,
      row,
      own,
      beside,
      adjustment && ofTokens(adjustment, [t], experts, topK)
    );
    if (convention.renormalizedKept) {
      renormalizeKept(convention, expected, own, ownWeights);
    }
    own.forEach((expert, slot) => {
      const weight = ownWeights[slot];
      const wanted = expected.get(expert) ?? [];
      const fits = wanted.some(
        want => Math.abs(weight - want.weight) <= want.error
      );
      fitting += fits ? 1 : 0;
      dropped += fits ? 0 : 1;
      // A weight of exactly 0 is a token that was dropped over capacity.
      if (wanted.length === 0 || (!fits && weight !== 0)) {
        throw mismatch(
          router,
          wanted.length === 0
            ? `token ${t} was routed to expert ${expert}, which its logits do not explain`
            : `token ${t} has a weight of ${weight} for expert ${expert} where its logits give ${wanted.map(want => want.weight).join(' or ')}`
        );
      }
    });
  }
  // Capacity drops some of many tokens. If no token has its weight, the captured tensor is not the weights.
  if (fitting === 0 && dropped > 0 && count > experts) {
    throw mismatch(router, 'no token has the weights that its logits give');
  }
}

/**
 * True for the usual token: the same experts in the same order, and weights that exact arithmetic gives. It spares the
 * error bounds below, which cost three times as much.
 */
function isRoutedAlike(
  { topK, convention, tensors }: Router,
  row: Float32Array,
  selected: Int32Array,
  weights: Float32Array,
  shared: Float32Array | undefined
): boolean {
  if (convention.renormalizedKept) {
    return false;
  }
  const token = routeToken(row, topK, convention, tensors.logitsAre, {
    shared
  });
  for (let slot = 0; slot < topK; slot++) {
    const weight = token.weights[slot];
    const difference = Math.abs(weights[slot] - weight);
    if (
      selected[slot] !== token.experts[slot] ||
      !(difference <= RELATIVE_WEIGHT_ERROR * Math.abs(weight))
    ) {
      return false;
    }
  }
  return true;
}

/**
 * The weights that one token's experts may have. Where rounding may have decided between experts, those that the graph
 * chose are favoured.
 * @returns by expert; several of an expert that an edit puts into two slots
 */
function expectedWeights(
  { experts, topK, convention, tensors, rounding }: Router,
  logits: Float32Array,
  selected: Int32Array,
  shared: Float32Array | undefined,
  adjustment: Adjustment | undefined
): Map<number, Expected[]> {
  const edited = adjustment
    ? adjustLogits(logits, experts, adjustment)
    : logits;
  const row = withinLimits(edited, rounding);
  const { scores, choice } = choiceValues(row, convention, tensors.logitsAre);
  const chosen = new Set(selected);
  const bias = adjustment && selectionBiasOf(adjustment, experts, 0);
  const favour = choiceError(choice, scores, convention, rounding).map(
    (error, expert) =>
      (bias?.[expert] ?? 0) +
      (chosen.has(adjustment?.map?.[expert] ?? expert)
        ? error + BIAS_ROUNDING * Math.abs(bias?.[expert] ?? 0)
        : 0)
  );
  const token = routeToken(row, topK, convention, tensors.logitsAre, {
    favour,
    shared,
    ...(adjustment ? { masked: e => isMasked(adjustment, experts, 0, e) } : {})
  });
  const errors = weightError(
    token,
    {
      ...convention,
      epsilon: (convention.epsilon ?? 0) + sharedSum(shared, convention)
    },
    rounding
  );
  const before: Routed = {
    selected: Int32Array.from(token.experts),
    weights: token.weights
  };
  const after = adjustment
    ? adjustRouting(before, experts, topK, adjustment)
    : before;
  const expected = new Map<number, Expected[]>();
  after.selected.forEach((expert, slot) => {
    const weight = after.weights[slot];
    const scaled =
      before.weights[slot] === 0 ? 1 : weight / before.weights[slot];
    expected.set(expert, [
      ...(expected.get(expert) ?? []),
      { weight, error: errors[slot] * Math.max(1, Math.abs(scaled)) }
    ]);
  });
  return expected;
}

/** What a quantiser after the logits makes of them. */
function withinLimits(
  logits: Float32Array,
  rounding: Rounding | undefined
): Float32Array {
  if (!rounding?.limits) {
    return logits;
  }
  const [low, high] = rounding.limits;
  return logits.map(value => Math.min(high, Math.max(low, value)));
}

/** Divides a token's expected weights by the sum of those that were not dropped; dropped ones are exactly 0. */
function renormalizeKept(
  { scale = 1, expertScale }: Convention,
  expected: Map<number, Expected[]>,
  selected: Int32Array,
  weights: Float32Array
): void {
  let sum = 0;
  selected.forEach((expert, slot) => {
    // The factors of the weights come after the division.
    const factor = scale * (expertScale?.[expert] ?? 1);
    sum +=
      weights[slot] === 0
        ? 0
        : (expected.get(expert)?.[0].weight ?? 0) / factor;
  });
  if (sum > 0) {
    expected.forEach(([{ weight, error }], expert) =>
      expected.set(expert, [{ weight: weight / sum, error: error / sum }])
    );
  }
}

export function mismatch(router: Router, what: string): MoEDebuggerError {
  return new MoEDebuggerError('capture', what, {
    where: `${layerName(router)}, ${router.pattern}`,
    hint: 'its routing convention was misread; please report it with the output of "moe-debugger inspect"'
  });
}
