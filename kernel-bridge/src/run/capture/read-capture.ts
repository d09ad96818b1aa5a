/** Reads the routing of each layer from the flat capture outputs, and verifies it against the layer's convention. */
import type { RunOutputs } from '../engine/engine';
import { MoEDebuggerError } from '../../base/errors';
import { layerName, type RoutingLayer } from '../../base/protocol';
import {
  adjustLogits,
  adjustRouting,
  isMasked,
  ofToken,
  type Adjustment
} from '../../routing/adjustment';
import {
  CAPTURE_OUTPUTS,
  type CaptureKind,
  type CapturePlan
} from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { route, type Routed } from '../../routing/route';

/** Tokens of each layer that are verified; enough to notice a misread convention. */
const CHECKED_TOKENS = 64;
const WEIGHT_TOLERANCE = 2e-3;

/**
 * @param routers with the k of this run
 * @param tokens number of tokens that a router routed
 * @param adjustments edits of each router. Default none.
 * @throws MoEDebuggerError 'capture' naming the layer whose size, experts or weights do not match
 */
export function readCapture(
  routers: readonly Router[],
  plan: CapturePlan,
  outputs: RunOutputs,
  tokens: (router: Router) => number,
  adjustments: readonly (Adjustment | undefined)[] = []
): RoutingLayer[] {
  const parts = routers.map(
    () =>
      ({ logits: [], selected: [], weights: [], kept: [] }) as Record<
        CaptureKind,
        { data: Float32Array | Int32Array; width: number }[]
      >
  );
  for (const kind of Object.keys(CAPTURE_OUTPUTS) as CaptureKind[]) {
    const segments = plan.segments[kind];
    if (segments.length === 0) {
      continue;
    }
    const data = outputs[CAPTURE_OUTPUTS[kind]]?.data as
      Float32Array | Int32Array | undefined;
    const expected = segments.reduce(
      (sum, { router, width }) => sum + width * tokens(routers[router]),
      0
    );
    if (!data || data.length !== expected) {
      throw new MoEDebuggerError(
        'capture',
        `${data?.length ?? 0} ${kind} were captured where ${expected} were expected`,
        {
          where: `${routers.length} routers`,
          hint: 'the graph routes other tokens than its input; please report it with the output of "moe-debugger inspect"'
        }
      );
    }
    let at = 0;
    for (const { router, width } of segments) {
      const size = width * tokens(routers[router]);
      parts[router][kind].push({ data: data.subarray(at, at + size), width });
      at += size;
    }
  }
  return routers.map((router, i) =>
    readLayer(router, parts[i], tokens(router), adjustments[i])
  );
}

type Parts = Record<
  CaptureKind,
  { data: Float32Array | Int32Array; width: number }[]
>;

function readLayer(
  router: Router,
  parts: Parts,
  tokens: number,
  adjustment?: Adjustment
): RoutingLayer {
  const { experts, topK, convention, tensors } = router;
  const logits = parts.logits[0].data as Float32Array;
  const computed =
    tensors.selected === null ||
    (tensors.weights === null && !tensors.denseWeights)
      ? routeEdited(router, logits, adjustment)
      : undefined;
  const selected =
    tensors.selected === null
      ? computed!.selected
      : (sideBySide(parts.selected, tokens, topK, Int32Array) as Int32Array);
  let weights = computed?.weights;
  if (tensors.weights !== null) {
    weights = sideBySide(
      parts.weights,
      tokens,
      topK,
      Float32Array
    ) as Float32Array;
  } else if (tensors.denseWeights) {
    const dense = parts.weights[0].data;
    weights = Float32Array.from(
      selected,
      (expert, slot) => dense[Math.floor(slot / topK) * experts + expert]
    );
  }
  if (selected.some(expert => expert < 0 || expert >= experts)) {
    throw mismatch(router, 'an expert was selected that does not exist');
  }
  verify(router, logits, selected, weights!, tokens, adjustment);
  const kept = parts.kept[0]?.data;
  if (kept) {
    weights = weights!.map((weight, slot) =>
      kept[Math.floor(slot / topK) * experts + selected[slot]] === 0
        ? 0
        : weight
    );
  }
  return {
    layer: router.layer,
    ...(router.stack ? { stack: router.stack } : {}),
    ...(router.module ? { module: router.module } : {}),
    experts,
    topK,
    score: convention.score,
    logitsAre: tensors.logitsAre,
    logits,
    selected,
    weights: weights!
  };
}

/** Routes logits by the router's rule and the edits of it. */
function routeEdited(
  { experts, topK, convention, tensors }: Router,
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

function sideBySide(
  parts: { data: Float32Array | Int32Array; width: number }[],
  tokens: number,
  topK: number,
  ArrayType: Float32ArrayConstructor | Int32ArrayConstructor
): Float32Array | Int32Array {
  if (parts.length === 1) {
    return parts[0].data;
  }
  const whole = new ArrayType(tokens * topK);
  let offset = 0;
  for (const { data, width } of parts) {
    for (let t = 0; t < tokens; t++) {
      whole.set(data.subarray(t * width, (t + 1) * width), t * topK + offset);
    }
    offset += width;
  }
  return whole;
}

/**
 * Recomputes the routing of the first tokens by the layer's convention and compares. Compares (expert, weight) pairs,
 * since experts with equal scores may come in any order. Skips tokens with non-finite logits, which have no order.
 */
function verify(
  router: Router,
  logits: Float32Array,
  selected: Int32Array,
  weights: Float32Array,
  tokens: number,
  adjustment?: Adjustment
): void {
  const { experts, topK, convention } = router;
  const count = Math.min(tokens, CHECKED_TOKENS);
  const again = routeEdited(
    router,
    logits.subarray(0, count * experts),
    adjustment
  );
  let fitting = 0;
  let dropped = 0;
  for (let t = 0; t < count; t++) {
    const row = logits.subarray(t * experts, (t + 1) * experts);
    if (!row.every(Number.isFinite)) {
      continue;
    }
    // Several weights an expert, since a swap may put the same expert in two slots.
    const expected = new Map<number, number[]>();
    for (let k = 0; k < topK; k++) {
      const expert = again.selected[t * topK + k];
      expected.set(expert, [
        ...(expected.get(expert) ?? []),
        again.weights[t * topK + k]
      ]);
    }
    if (convention.renormalizedKept) {
      if (adjustment) {
        // An expert dropped by an edit cannot be distinguished from one dropped over capacity.
        continue;
      }
      renormalizeKept(expected, selected, weights, t, topK);
    }
    const own = adjustment && ofToken(adjustment, t, experts, topK);
    for (let k = 0; k < topK; k++) {
      const expert = selected[t * topK + k];
      const weight = weights[t * topK + k];
      const wanted = expected.get(expert) ?? nearTie(router, row, expert, own);
      // A weight of exactly 0 is a token that was dropped over capacity.
      const fits = wanted.some(
        want =>
          Math.abs(weight - want) <=
          WEIGHT_TOLERANCE * Math.max(1, Math.abs(want))
      );
      fitting += fits ? 1 : 0;
      dropped += fits ? 0 : 1;
      if (wanted.length === 0 || (!fits && weight !== 0)) {
        throw mismatch(
          router,
          wanted.length === 0
            ? `token ${t} was routed to expert ${expert}, which its logits do not explain`
            : `token ${t} has a weight of ${weight} for expert ${expert} where its logits give ${wanted.join(' or ')}`
        );
      }
    }
  }
  // Capacity drops some of many tokens. If no token has its weight, the captured tensor is not the weights.
  if (fitting === 0 && dropped > 0 && count > experts) {
    throw mismatch(router, 'no token has the weights that its logits give');
  }
}

/** Divides a token's expected weights by the sum of those that were not dropped; dropped ones are exactly 0. */
function renormalizeKept(
  expected: Map<number, number[]>,
  selected: Int32Array,
  weights: Float32Array,
  token: number,
  topK: number
): void {
  let sum = 0;
  for (let slot = token * topK; slot < (token + 1) * topK; slot++) {
    sum += weights[slot] === 0 ? 0 : (expected.get(selected[slot])?.[0] ?? 0);
  }
  if (sum > 0) {
    expected.forEach(([weight], expert) =>
      expected.set(expert, [weight / sum])
    );
  }
}

/** Weights that an expert would have if rounding decided a near-tie in its favour. */
function nearTie(
  router: Router,
  row: Float32Array,
  expert: number,
  adjustment?: Adjustment
): number[] {
  const weights: number[] = [];
  for (let chosen = 0; chosen < router.experts; chosen++) {
    if ((adjustment?.map?.[chosen] ?? chosen) === expert) {
      const nudged = Float32Array.from(row);
      nudged[chosen] += 1e-3 * Math.max(1, Math.abs(row[chosen]));
      const again = routeEdited(router, nudged, adjustment);
      again.selected.forEach(
        (other, slot) => other === expert && weights.push(again.weights[slot])
      );
    }
  }
  return weights;
}

function mismatch(router: Router, what: string): MoEDebuggerError {
  return new MoEDebuggerError('capture', what, {
    where: `${layerName(router)}, ${router.pattern}`,
    hint: 'its routing convention was misread; please report it with the output of "moe-debugger inspect"'
  });
}
