/** Reads the routing of each layer from the flat capture outputs, and verifies it against the layer's convention. */
import type { RunOutputs } from '../engine/engine';
import { MoEDebuggerError } from '../../base/errors';
import { takeRows } from '../../base/take-rows';
import type { RoutingLayer } from '../../base/protocol';
import { ofTokens, type Adjustment } from '../../routing/adjustment';
import {
  CAPTURE_OUTPUTS,
  type CaptureKind,
  type CapturePlan
} from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { checkConvention, mismatch, routeEdited } from './check-convention';

/**
 * @param routers with the k of this run
 * @param tokens number of tokens that a router routed
 * @param adjustments edits of each router. Default none.
 * @param taken the tokens to read, which are all that is checked and copied. Default all, in the outputs' own memory
 * @throws MoEDebuggerError 'capture' naming the layer whose size, experts or weights do not match
 */
export function readCapture(
  routers: readonly Router[],
  plan: CapturePlan,
  outputs: RunOutputs,
  tokens: (router: Router) => number,
  adjustments: readonly (Adjustment | undefined)[] = [],
  taken?: (router: Router) => readonly number[]
): RoutingLayer[] {
  const parts = routers.map(
    () =>
      ({
        logits: [],
        selected: [],
        weights: [],
        applied: [],
        kept: [],
        shared: []
      }) as Record<
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
      const own = data.subarray(at, at + size);
      parts[router][kind].push({
        data: taken ? takeRows(own, taken(routers[router]), width) : own,
        width
      });
      at += size;
    }
  }
  return routers.map((router, i) => {
    const adjustment = adjustments[i];
    if (!taken) {
      return readLayer(router, parts[i], tokens(router), adjustment);
    }
    const { experts, topK } = router;
    const rows = taken(router);
    return readLayer(
      router,
      parts[i],
      rows.length,
      adjustment && ofTokens(adjustment, rows, experts, topK)
    );
  });
}

type Parts = Record<
  CaptureKind,
  { data: Float32Array | Int32Array; width: number }[]
>;

function readLayer(
  whole: Router,
  parts: Parts,
  tokens: number,
  adjustment?: Adjustment
): RoutingLayer {
  const { experts, topK, convention, tensors } = whole;
  // What a graph in plain operators weights by is before the factor of the sum.
  const { outputScale = 1, ...inner } = convention;
  const router: Router = { ...whole, convention: inner };
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
  checkConvention(
    router,
    {
      logits,
      selected,
      weights: weights!,
      shared: parts.shared[0]?.data as Float32Array | undefined,
      tokens
    },
    adjustment
  );
  const kept = parts.kept[0]?.data;
  if (kept) {
    weights = weights!.map((weight, slot) =>
      kept[Math.floor(slot / topK) * experts + selected[slot]] === 0
        ? 0
        : weight
    );
  }
  const applied = parts.applied[0]?.data;
  const run = applied
    ? replaced(router, selected, weights!, applied)
    : selected;
  const ordered = withoutUnordered(router, logits, run, weights!);
  return {
    layer: router.layer,
    ...(router.stack ? { stack: router.stack } : {}),
    ...(router.module ? { module: router.module } : {}),
    experts,
    topK,
    score: convention.score,
    logitsAre: tensors.logitsAre,
    logits,
    selected: ordered.selected,
    weights:
      outputScale === 1
        ? ordered.weights
        : ordered.weights.map(weight => weight * outputScale)
  };
}

/** The experts that run: the chosen ones, except where the graph replaced one that has a weight. */
function replaced(
  router: Router,
  selected: Int32Array,
  weights: Float32Array,
  applied: Float32Array | Int32Array
): Int32Array {
  return selected.map((expert, slot) => {
    // A replaced expert of weight 0 is a place where none runs, and what was chosen there says why.
    if (weights[slot] === 0 || applied[slot] === expert) {
      return expert;
    }
    if (applied[slot] < 0 || applied[slot] >= router.experts) {
      throw mismatch(
        router,
        `expert ${expert} was replaced by ${applied[slot]}, which does not exist`
      );
    }
    return applied[slot];
  });
}

/**
 * Logits that are NaN have no order, and neither have those that a softmax makes NaN. The experts that an operator names
 * for such a token are an accident of its sort, so its slots are left without one.
 */
function withoutUnordered(
  { experts, topK, convention }: Router,
  logits: Float32Array,
  selected: Int32Array,
  weights: Float32Array
): { selected: Int32Array; weights: Float32Array } {
  const unordered = (value: number): boolean =>
    Number.isNaN(value) ||
    (value === Infinity && convention.score === 'softmax');
  if (!logits.some(unordered)) {
    return { selected, weights };
  }
  const left = { selected: selected.slice(), weights: weights.slice() };
  for (let t = 0; t * topK < selected.length; t++) {
    if (logits.subarray(t * experts, (t + 1) * experts).some(unordered)) {
      left.selected.fill(-1, t * topK, (t + 1) * topK);
      left.weights.fill(0, t * topK, (t + 1) * topK);
    }
  }
  return left;
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
