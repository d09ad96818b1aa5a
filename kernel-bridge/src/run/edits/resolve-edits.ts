/** Edits checked against a model's routers: what is fed to each, or an error that says what is possible. */
import { MoEDebuggerError } from '../../base/errors';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { RouterSlots } from './slots';
import type { Slot } from './slots';
import type { EditRecord, Edits, RouterPlace, TokenRange } from './edits';
import { isFusedRouter } from './rewrite-fused';

/** What is changed at one router. */
export interface RouterEdits {
  topK: number;
  records: EditRecord[];
}

/**
 * @param slots what each router's graph takes
 * @returns one entry a router, in the order of `routers`
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
    const index = findRouter(record, routers);
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

/** Edits one by one, a number for all routers spelled out. */
function listEdits(
  {
    ablate = [],
    force = [],
    topK = [],
    bias = [],
    scale = [],
    ...others
  }: Omit<Edits, 'steer'>,
  routers: readonly Router[]
): EditRecord[] {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new MoEDebuggerError('edit', `there is no edit named ${unknown}`, {
      hint: 'give ablate, force, topK, bias, scale or steer'
    });
  }
  return [
    ...ablate.map(edit => ({
      kind: 'ablate' as const,
      ...edit,
      mode: edit.mode ?? ('mask' as const)
    })),
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
    ...scale.map(({ factor, ...edit }) => ({
      kind: 'scale' as const,
      ...edit,
      value: factor
    }))
  ];
}

export function findRouter(
  place: RouterPlace,
  routers: readonly Router[]
): number {
  const matches = [...routers.keys()].filter(
    i =>
      routers[i].layer === place.layer &&
      (place.stack === undefined || routers[i].stack === place.stack) &&
      (place.module === undefined || routers[i].module === place.module)
  );
  if (matches.length === 1) {
    return matches[0];
  }
  const names = (matches.length > 1 ? matches : [...routers.keys()])
    .map(i => layerName(routers[i]))
    .join(', ');
  throw new MoEDebuggerError(
    'edit',
    matches.length > 1
      ? `layer ${place.layer} has more than one router`
      : `layer ${String(place.layer)} has no router`,
    {
      where: [place.stack, `layer ${String(place.layer)}`, place.module]
        .filter(Boolean)
        .join(' '),
      hint:
        matches.length > 1
          ? `say by stack or module which of ${names}`
          : `the model routes in ${names}`
    }
  );
}

/** @throws MoEDebuggerError 'edit' for an expert that the router does not have */
export function checkExpert(
  expert: number | undefined,
  router: Router,
  what = ''
): void {
  check(
    Number.isInteger(expert) && expert! >= 0 && expert! < router.experts,
    router,
    `there is no expert ${String(expert)}${what}`,
    `give one of its experts, 0 to ${router.experts - 1}`
  );
}

function checkValues(record: EditRecord, router: Router): void {
  const { experts } = router;
  if (record.kind === 'topK') {
    check(
      Number.isInteger(record.k) && record.k! >= 1 && record.k! <= experts,
      router,
      `top-${String(record.k)} cannot be taken of ${experts} experts`,
      `give 1 to ${experts}`
    );
    return;
  }
  checkExpert(record.expert, router);
  if (record.kind === 'bias') {
    check(
      Number.isFinite(record.value),
      router,
      `a bias of ${String(record.value)} cannot be added`,
      'give a finite number; to take the expert away, ablate it'
    );
  }
  if (record.kind === 'scale') {
    check(
      Number.isFinite(record.value),
      router,
      `an expert cannot be scaled by ${String(record.value)}`,
      'give a finite number'
    );
    check(
      !router.convention.weightsInput || record.value === 0,
      router,
      'its weights multiply what experts read, so what they add cannot be scaled',
      'ablate by drop takes it away, force gives it the weight 1'
    );
  }
  if (record.kind === 'ablate') {
    check(
      ['mask', 'drop', 'swap'].includes(record.mode!),
      router,
      `there is no way of ablating named ${String(record.mode)}`,
      'give mask, drop or swap'
    );
    check(
      (record.mode === 'swap') === (record.to !== undefined),
      router,
      record.mode === 'swap'
        ? `nothing was given to run instead of expert ${record.expert}`
        : `a substitute is given only to a swap, and not to ${record.mode}`,
      record.mode === 'swap'
        ? `give one of its experts, 0 to ${experts - 1}`
        : 'leave it out, or swap'
    );
    if (record.mode === 'swap') {
      checkExpert(record.to, router, ' to run instead');
      check(
        record.to !== record.expert,
        router,
        `expert ${record.expert} would be swapped for itself`,
        'give another one'
      );
    }
  }
  checkRange(record.tokens, place(router));
}

/** @throws MoEDebuggerError 'edit' for what holds no token */
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
      `the tokens ${JSON.stringify(tokens)} are no range`,
      { where, hint: 'give the first position and the one after the last' }
    );
  }
}

function checkSlot(
  record: EditRecord,
  router: Router,
  slots: RouterSlots
): void {
  const slot = slotOf(record, slots);
  if ('refused' in slot) {
    const what =
      record.kind === 'ablate' ? `ablate by ${record.mode}` : record.kind;
    throw new MoEDebuggerError(
      'edit',
      `this graph does not take ${what} there: ${slot.refused}`,
      {
        where: place(router),
        hint: `it takes ${taken(slots).join(', ')}${
          isFusedRouter(router)
            ? '; written in plain operators it takes all: model.with(edits, { rewriteFused: true }), or --rewrite-fused'
            : ''
        }`
      }
    );
  }
}

function slotOf(record: EditRecord, slots: RouterSlots): Slot {
  switch (record.kind) {
    case 'bias':
      return slots.bias;
    case 'scale':
      return slots.scale;
    case 'topK':
      return slots.topK;
    case 'force':
      return slots.forcedByLogits ? slots.bias : slots.force;
    default:
      return record.mode === 'mask'
        ? slots.bias
        : record.mode === 'drop'
          ? slots.scale
          : slots.map;
  }
}

function taken(slots: RouterSlots): string[] {
  const names: [string, Slot][] = [
    ['ablate by mask', slots.bias],
    ['bias', slots.bias],
    ['ablate by drop', slots.scale],
    ['scale', slots.scale],
    ['ablate by swap', slots.map],
    ['force', slots.forcedByLogits ? slots.bias : slots.force],
    ['topK', slots.topK]
  ];
  const possible = names
    .filter(([, slot]) => 'input' in slot)
    .map(([name]) => name);
  return possible.length > 0 ? possible : ['no edit'];
}

/** Two edits of one router that cannot both hold. */
function checkTogether(a: EditRecord, b: EditRecord, router: Router): void {
  if (!overlap(a.tokens, b.tokens)) {
    return;
  }
  const pair = [a, b];
  const of = (kind: EditRecord['kind']): EditRecord | undefined =>
    pair.find(record => record.kind === kind);
  const forced = of('force');
  const ablated = of('ablate');
  const contradiction =
    a.kind === 'topK' && b.kind === 'topK'
      ? a.k !== b.k && `top-${a.k} and top-${b.k}`
      : a.kind === 'force' && b.kind === 'force'
        ? a.expert !== b.expert &&
          `expert ${a.expert} alone and expert ${b.expert} alone`
        : a.kind === 'ablate' && b.kind === 'ablate'
          ? a.expert === b.expert
            ? (a.mode !== b.mode || a.to !== b.to) &&
              `${a.mode} and ${b.mode} of expert ${a.expert}`
            : swapsInto(a, b) || swapsInto(b, a)
          : forced && ablated
            ? ablated.mode !== 'swap' &&
              ablated.expert === forced.expert &&
              `expert ${forced.expert} alone and without it`
            : besideAnother(of('bias') ?? of('scale'), forced, ablated);
  if (contradiction) {
    throw new MoEDebuggerError(
      'edit',
      `edits contradict each other: ${contradiction}`,
      { where: place(router), hint: 'leave one of them out' }
    );
  }
}

/** A bias means nothing where the expert is masked, a scale nothing where it is forced or taken away. */
function besideAnother(
  own: EditRecord | undefined,
  forced: EditRecord | undefined,
  ablated: EditRecord | undefined
): string | false {
  if (!own) {
    return false;
  }
  if (ablated?.expert === own.expert) {
    return (
      (own.kind === 'scale' || ablated!.mode === 'mask') &&
      `a ${own.kind} of expert ${own.expert} and without it`
    );
  }
  return (
    own.kind === 'scale' &&
    forced?.expert === own.expert &&
    `a scale of expert ${own.expert} and a weight of 1`
  );
}

function swapsInto(swap: EditRecord, other: EditRecord): string | false {
  return (
    swap.mode === 'swap' &&
    swap.to === other.expert &&
    `expert ${swap.to} in place of ${swap.expert} and without it`
  );
}

function overlap(a: TokenRange = [0], b: TokenRange = [0]): boolean {
  return a[0] < (b[1] ?? Infinity) && b[0] < (a[1] ?? Infinity);
}

/** Enough experts must be left to choose from at every token. */
function checkLeft({ records, topK }: RouterEdits, router: Router): void {
  const masks = records.filter(({ mode }) => mode === 'mask');
  for (const { tokens: [from] = [0] } of masks) {
    const gone = new Set(
      masks
        .filter(({ tokens }) => overlap(tokens, [from, from + 1]))
        .map(({ expert }) => expert)
    );
    const left = router.experts - gone.size;
    check(
      left >= topK,
      router,
      left === 0
        ? 'every expert is masked'
        : `${left} ${left === 1 ? 'expert is' : 'experts are'} left where each token takes ${topK}`,
      `mask at most ${router.experts - topK}${topK > 1 ? ', or lower topK too' : ''}`
    );
  }
}

function check(
  holds: boolean,
  router: Router,
  what: string,
  hint: string
): void {
  if (!holds) {
    throw new MoEDebuggerError('edit', what, { where: place(router), hint });
  }
}

function place(router: Router): string {
  return layerName(router);
}
