/** Validates edits against a model's routers. */
import { MoEDebuggerError } from '../../base/errors';
import { findPlace, layerName, type RouterPlace } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { RouterSlots } from './slots';
import type { Slot } from './slots';
import type { Ablation, EditRecord, Edits, TokenRange } from './edits';
import { isFusedRouter } from './rewrite-fused';

/** An edit of a router's selection; steering acts on the residual stream instead. */
type RouterEdit = EditRecord & { kind: Exclude<EditRecord['kind'], 'steer'> };

/** The edits of one router. */
export interface RouterEdits {
  topK: number;
  records: RouterEdit[];
}

/**
 * @param slots the edits that each router's graph supports
 * @returns one entry per router, in the order of `routers`
 * @throws MoEDebuggerError 'edit' naming the layer and what is possible there
 */
export function resolveEdits(
  edits: Omit<Edits, 'steer'>,
  routers: readonly Router[],
  slots: readonly RouterSlots[]
): RouterEdits[] {
  const resolved: RouterEdits[] = routers.map(({ topK }) => ({
    topK,
    records: []
  }));
  for (const record of listEdits(edits, routers)) {
    const index = findPlace(record, routers, 'edit');
    const router = routers[index];
    checkValues(record, router);
    checkSlot(record, router, slots[index]);
    const own = resolved[index];
    own.records.forEach(other => checkTogether(other, record, router));
    own.records.push(record);
    if (record.kind === 'topK') {
      own.topK = record.k!;
    }
  }
  resolved.forEach((own, i) => checkLeft(own, routers[i]));
  return resolved;
}

/** Edits one by one, with a number for all routers expanded. */
function listEdits(
  {
    ablate = [],
    force = [],
    topK = [],
    bias = [],
    selectionBias = [],
    scale = [],
    ...others
  }: Omit<Edits, 'steer'>,
  routers: readonly Router[]
): RouterEdit[] {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new MoEDebuggerError('edit', `there is no edit named ${unknown}`, {
      hint: 'give ablate, force, topK, bias, selectionBias, scale or steer'
    });
  }
  return [
    ...ablate.map(edit => ablationRecord(edit, routers)),
    ...force.map(edit => ({ kind: 'force' as const, ...edit })),
    ...(typeof topK === 'number'
      ? routers.map(({ layer, stack, module }) => ({
          kind: 'topK' as const,
          layer,
          ...(stack ? { stack } : {}),
          ...(module ? { module } : {}),
          k: topK
        }))
      : topK.map(edit => ({ kind: 'topK' as const, ...edit }))),
    ...bias.map(edit => ({ kind: 'bias' as const, ...edit })),
    ...selectionBias.map(edit => ({ kind: 'selectionBias' as const, ...edit })),
    ...scale.map(({ factor, ...edit }) => ({
      kind: 'scale' as const,
      ...edit,
      value: factor
    }))
  ];
}

function ablationRecord(
  { to, ...edit }: Ablation,
  routers: readonly Router[]
): RouterEdit {
  return {
    kind: 'ablate',
    ...edit,
    mode: edit.mode ?? 'mask',
    ...(to === undefined ? {} : { to: substituteOf(to, edit, routers) })
  };
}

/** A substitute may be named with its place, which must be that of the router it runs in. */
function substituteOf(
  to: NonNullable<Ablation['to']>,
  ablated: RouterPlace,
  routers: readonly Router[]
): number {
  if (typeof to !== 'object' || to === null) {
    return to;
  }
  const own = routers[findPlace(ablated, routers, 'edit')];
  const other = routers[findPlace(to, routers, 'edit')];
  check(
    own === other,
    own,
    `expert ${to.expert} of ${layerName(other)} cannot run instead`,
    `give one of the experts of ${layerName(own)}`
  );
  return to.expert;
}

/**
 * @param code 'input' where the expert is an option's and not an edit's
 * @throws MoEDebuggerError for an expert that the router does not have, or that the graph has no path for
 */
export function checkExpert(
  expert: number | undefined,
  router: Router,
  what = '',
  code: 'edit' | 'input' = 'edit'
): void {
  check(
    Number.isInteger(expert) && expert! >= 0 && expert! < router.experts,
    router,
    `there is no expert ${String(expert)}${what}`,
    `give one of its experts, 0 to ${router.experts - 1}`,
    code
  );
  const { lost = [], experts } = router;
  const reached = Array.from({ length: experts }, (_, e) => e).filter(
    e => !lost.includes(e)
  );
  check(
    !lost.includes(expert!),
    router,
    `expert ${expert}${what} does not reach the output: the graph has a path for ${reached.length} of ${experts} experts`,
    `give expert ${reached.join(', ')}, or export the model again so that every expert runs`,
    code
  );
}

function checkValues(record: RouterEdit, router: Router): void {
  if (record.kind !== 'topK') {
    checkExpert(record.expert, router);
  }
  VALUE_CHECKS[record.kind](record, router);
  checkRange(record.tokens, place(router));
}

/** The graph computes in float32 at most: a larger number would become infinite there. */
const fitsFloat32 = (value: number | undefined): boolean =>
  typeof value === 'number' && Number.isFinite(Math.fround(value));

function checkBias(record: RouterEdit, router: Router): void {
  check(
    fitsFloat32(record.value),
    router,
    `invalid bias ${String(record.value)}`,
    'give a finite number that fits into float32; to remove the expert, ablate it'
  );
}

/** Validates the numbers of an edit, by its kind. */
const VALUE_CHECKS: Record<
  RouterEdit['kind'],
  (record: RouterEdit, router: Router) => void
> = {
  topK: (record, router) =>
    check(
      Number.isInteger(record.k) &&
        record.k! >= 1 &&
        record.k! <= router.experts,
      router,
      `invalid top-${String(record.k)} of ${router.experts} experts`,
      `give 1 to ${router.experts}`
    ),
  bias: checkBias,
  selectionBias: checkBias,
  force: () => undefined,
  scale(record, router) {
    check(
      fitsFloat32(record.value),
      router,
      `invalid scale ${String(record.value)} of an expert`,
      'give a finite number that fits into float32'
    );
    check(
      !router.convention.weightsInput || record.value === 0,
      router,
      "its weights multiply the experts' inputs, so their outputs cannot be scaled",
      'ablate by drop removes it, force gives it the weight 1'
    );
  },
  ablate(record, router) {
    check(
      ['mask', 'drop', 'swap'].includes(record.mode!),
      router,
      `there is no ablation mode named ${String(record.mode)}`,
      'give mask, drop or swap'
    );
    check(
      (record.mode === 'swap') === (record.to !== undefined),
      router,
      record.mode === 'swap'
        ? `swap of expert ${record.expert} needs an expert to run instead`
        : `only a swap has an expert to run instead, not ${record.mode}`,
      record.mode === 'swap'
        ? `give one of its experts, 0 to ${router.experts - 1}`
        : 'leave it out, or swap'
    );
    if (record.mode === 'swap') {
      checkExpert(record.to, router, ' to run instead');
      check(
        record.to !== record.expert,
        router,
        `expert ${record.expert} would be swapped with itself`,
        'give another expert'
      );
    }
  }
};

/** @throws MoEDebuggerError 'edit' for an empty or invalid range */
export function checkRange(
  tokens: TokenRange | undefined,
  where: string
): void {
  if (
    tokens !== undefined &&
    !(
      Number.isInteger(tokens[0]) &&
      tokens[0] >= 0 &&
      (tokens[1] === undefined || tokens[1] > tokens[0])
    )
  ) {
    throw new MoEDebuggerError(
      'edit',
      `the tokens ${JSON.stringify(tokens)} are not a valid range`,
      { where, hint: 'give the first position and the one after the last' }
    );
  }
}

function checkSlot(
  record: RouterEdit,
  router: Router,
  slots: RouterSlots
): void {
  const what =
    record.kind === 'ablate'
      ? (`ablate by ${record.mode!}` as const)
      : record.kind;
  const slot = SLOTS[what](slots);
  if ('refused' in slot) {
    throw new MoEDebuggerError(
      'edit',
      `this graph does not support ${what} there: ${slot.refused}`,
      {
        where: place(router),
        hint: `it supports ${taken(slots).join(', ')}${
          isFusedRouter(router)
            ? '; decomposed to plain operators it supports all: model.with(edits, { rewriteFused: true }), or --rewrite-fused'
            : ''
        }`
      }
    );
  }
}

/** The slot of a router's graph for each edit. */
const SLOTS: Record<
  | Exclude<RouterEdit['kind'], 'ablate'>
  | `ablate by ${NonNullable<RouterEdit['mode']>}`,
  (slots: RouterSlots) => Slot
> = {
  'ablate by mask': ({ mask }) => mask,
  bias: ({ bias }) => bias,
  selectionBias: ({ selectionBias }) => selectionBias,
  'ablate by drop': ({ scale }) => scale,
  scale: ({ scale }) => scale,
  'ablate by swap': ({ map }) => map,
  force: ({ forcedByLogits, mask, force }) => (forcedByLogits ? mask : force),
  topK: ({ topK }) => topK
};

function taken(slots: RouterSlots): string[] {
  const possible = Object.entries(SLOTS)
    .filter(([, slotOf]) => 'input' in slotOf(slots))
    .map(([name]) => name);
  return possible.length > 0 ? possible : ['no edit'];
}

/**
 * @throws MoEDebuggerError 'edit' for two edits of one router that contradict each other at some token, or of which one
 * leaves the other without effect at all of its tokens
 */
function checkTogether(a: RouterEdit, b: RouterEdit, router: Router): void {
  if (!overlap(a.tokens, b.tokens)) {
    return;
  }
  const contradiction =
    CONTRADICTIONS[`${a.kind} ${b.kind}`]?.(a, b) ||
    CONTRADICTIONS[`${b.kind} ${a.kind}`]?.(b, a) ||
    overridden(a, b) ||
    overridden(b, a);
  if (contradiction) {
    throw new MoEDebuggerError(
      'edit',
      `edits contradict each other: ${contradiction}`,
      { where: place(router), hint: 'leave one of them out' }
    );
  }
}

type Contradiction = (a: RouterEdit, b: RouterEdit) => string | false;

/** Contradictions of two edits, by their kinds; other kinds never contradict. */
const CONTRADICTIONS: Partial<
  Record<`${RouterEdit['kind']} ${RouterEdit['kind']}`, Contradiction>
> = {
  'topK topK': (a, b) => a.k !== b.k && `top-${a.k} and top-${b.k}`,
  'force force': (a, b) =>
    a.expert !== b.expert &&
    `expert ${a.expert} alone and expert ${b.expert} alone`,
  'ablate ablate': (a, b) =>
    a.expert === b.expert
      ? (a.mode !== b.mode || a.to !== b.to) &&
        `${a.mode} and ${b.mode} of expert ${a.expert}`
      : swapsInto(a, b) || swapsInto(b, a),
  'force ablate': (forced, ablated) =>
    ablated.mode !== 'swap' &&
    ablated.expert === forced.expert &&
    `expert ${forced.expert} alone and without it`,
  // Repeated by mistake, they would add up or multiply unseen.
  'bias bias': (a, b) =>
    a.expert === b.expert &&
    `a bias of ${a.value} and a bias of ${b.value} of expert ${a.expert}`,
  'selectionBias selectionBias': (a, b) =>
    a.expert === b.expert &&
    `a selection bias of ${a.value} and one of ${b.value} of expert ${a.expert}`,
  'scale scale': (a, b) =>
    a.expert === b.expert &&
    `a scale of ${a.value} and a scale of ${b.value} of expert ${a.expert}`,
  // A bias has no effect on a masked expert, a scale none on a forced or ablated one.
  'bias ablate': (bias, ablated) =>
    ablated.mode === 'mask' &&
    ablated.expert === bias.expert &&
    `a bias of expert ${bias.expert} and without it`,
  'selectionBias ablate': (bias, ablated) =>
    ablated.mode === 'mask' &&
    ablated.expert === bias.expert &&
    `a selection bias of expert ${bias.expert} and without it`,
  'scale ablate': (scale, ablated) =>
    ablated.expert === scale.expert &&
    `a scale of expert ${scale.expert} and without it`,
  'scale force': (scale, forced) =>
    forced.expert === scale.expert &&
    `a scale of expert ${scale.expert} and a weight of 1`
};

/** A forced token takes its expert with a weight of 1, whatever else is done to the choice. */
function overridden(forced: RouterEdit, other: RouterEdit): string | false {
  return (
    forced.kind === 'force' &&
    other.kind !== 'force' &&
    // A k also says how many slots there are.
    other.kind !== 'topK' &&
    covers(forced.tokens, other.tokens) &&
    `${other.mode ?? `a ${other.kind}`} of expert ${other.expert} has no effect where expert ${forced.expert} is forced`
  );
}

function swapsInto(swap: RouterEdit, other: RouterEdit): string | false {
  return (
    swap.mode === 'swap' &&
    swap.to === other.expert &&
    `expert ${swap.to} in place of ${swap.expert} and without it`
  );
}

/** Whether every token of `b` is one of `a`. */
function covers(a: TokenRange = [0], b: TokenRange = [0]): boolean {
  return a[0] <= b[0] && (a[1] ?? Infinity) >= (b[1] ?? Infinity);
}

function overlap(a: TokenRange = [0], b: TokenRange = [0]): boolean {
  return a[0] < (b[1] ?? Infinity) && b[0] < (a[1] ?? Infinity);
}

/** Every token must have enough experts to select from. */
function checkLeft({ records, topK }: RouterEdits, router: Router): void {
  const masks = records.filter(({ mode }) => mode === 'mask');
  // What is left changes only where a mask begins; without masks it is all experts, at every token.
  const starts = topK === router.topK ? [] : [0];
  masks.forEach(({ tokens: [from] = [0] }) => starts.push(from));
  for (const from of new Set(starts)) {
    const gone = new Set(
      masks
        .filter(({ tokens }) => overlap(tokens, [from, from + 1]))
        .map(({ expert }) => expert!)
    );
    const left = router.experts - gone.size;
    check(
      left >= topK,
      router,
      left === 0
        ? 'every expert is masked'
        : `${left} ${left === 1 ? 'expert is' : 'experts are'} left where each token selects ${topK}`,
      `mask at most ${router.experts - topK}${topK > 1 ? ', or lower topK too' : ''}`
    );
    checkGroups(router, topK, gone);
  }
}

/** A token selects from a few groups of experts only; whichever they are, they must have enough experts. */
function checkGroups(
  router: Router,
  topK: number,
  gone: ReadonlySet<number>
): void {
  const { groups } = router.convention;
  if (!groups) {
    return;
  }
  const size = router.experts / groups.count;
  const left = Array.from(
    { length: groups.count },
    (_, g) =>
      size - [...gone].filter(expert => Math.floor(expert / size) === g).length
  );
  // A group without experts is selected only where no other is left.
  const fewest = left
    .filter(count => count > 0)
    .sort((a, b) => a - b)
    .slice(0, groups.selected)
    .reduce((sum, count) => sum + count, 0);
  check(
    fewest >= topK,
    router,
    `${fewest} ${fewest === 1 ? 'expert is' : 'experts are'} left in ${groups.selected} of ${groups.count} groups where each token selects ${topK}`,
    'mask fewer experts of one group, or all of it, or lower topK'
  );
}

function check(
  holds: boolean,
  router: Router,
  what: string,
  hint: string,
  code: 'edit' | 'input' = 'edit'
): void {
  if (!holds) {
    throw new MoEDebuggerError(code, what, { where: place(router), hint });
  }
}

function place(router: Router): string {
  return layerName(router);
}
