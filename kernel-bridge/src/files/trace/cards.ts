/** Validates layer cards of an untrusted file. */
import type { LayerCard, MoELayerCard } from '../../run/model/description';
import {
  layerName,
  type RouterIdentity,
  type Stack
} from '../../base/protocol';
import { ProtocolError } from '../../base/protocol/error';
import { count, list, object, oneOf, text } from '../../base/protocol/checks';
import type { Convention } from '../../routing/convention';

/** No model has more experts; arrays of this length are allocated for a card. */
export const MAX_EXPERTS = 1 << 16;

/** @throws ProtocolError naming the invalid field */
export function decodeCards(value: unknown, at: string): LayerCard[] {
  return list(value, at).map((entry, i) => decodeCard(entry, `${at}[${i}]`));
}

/** The cards of routers. */
export function routerCards(cards: readonly LayerCard[]): MoELayerCard[] {
  return cards.filter(card => card.moe === true);
}

/** The card of a captured layer; undefined if none has its number of experts. */
export function cardOf(
  cards: readonly LayerCard[],
  layer: Pick<RouterIdentity, 'layer' | 'stack' | 'module' | 'experts'>
): MoELayerCard | undefined {
  return routerCards(cards).find(
    card =>
      routerKey(card) === routerKey(layer) && card.experts === layer.experts
  );
}

/** Key that identifies a router within a model. */
export function routerKey({
  layer,
  stack,
  module
}: Pick<RouterIdentity, 'layer' | 'stack' | 'module'>): string {
  return `${stack ?? ''}/${layer}/${module ?? ''}`;
}

/** Nodes are named for people only. */
function unreadNodes(value: unknown, at: string): string[] {
  return list(value ?? [], at).map((name, i) => text(name, `${at}[${i}]`));
}

function decodeCard(value: unknown, at: string): LayerCard {
  const source = object(value, at);
  const place = {
    layer: count(source.layer, `${at}.layer`),
    ...(source.stack === undefined
      ? {}
      : {
          stack: oneOf<Stack>(
            source.stack,
            ['encoder', 'decoder'],
            `${at}.stack`
          )
        })
  };
  if (source.moe !== true) {
    return source.moe === null
      ? {
          ...place,
          moe: null,
          unread: unreadNodes(source.unread, `${at}.unread`)
        }
      : { ...place, moe: false };
  }
  const router = object(source.router, `${at}.router`);
  const experts = count(source.experts, `${at}.experts`);
  const topK = count(source.topK, `${at}.topK`);
  if (experts < 1 || experts > MAX_EXPERTS || topK < 1 || topK > experts) {
    throw new ProtocolError(
      `${at} (${layerName(place)}) takes ${topK} of ${experts} experts`
    );
  }
  return {
    ...place,
    ...(source.module === undefined
      ? {}
      : { module: text(source.module, `${at}.module`) }),
    moe: true,
    experts,
    topK,
    ...decodeConvention(source, experts, at),
    sharedExperts: count(source.sharedExperts, `${at}.sharedExperts`),
    ...(source.softcap === undefined
      ? {}
      : { softcap: number(source.softcap, `${at}.softcap`) }),
    router: {
      pattern: text(router.pattern, `${at}.router.pattern`),
      logits: text(router.logits, `${at}.router.logits`),
      logitsAre: oneOf(
        router.logitsAre,
        ['logits', 'probabilities'],
        `${at}.router.logitsAre`
      ),
      ...(router.logitsAfter === undefined
        ? {}
        : {
            logitsAfter: list(
              router.logitsAfter,
              `${at}.router.logitsAfter`
            ).map((step, i) => text(step, `${at}.router.logitsAfter[${i}]`))
          }),
      selected: names(router.selected, `${at}.router.selected`),
      weights: names(router.weights, `${at}.router.weights`)
    }
  };
}

function decodeConvention(
  source: Record<string, unknown>,
  experts: number,
  at: string
): Convention {
  const convention: Convention = {
    score: oneOf(source.score, ['softmax', 'sigmoid'], `${at}.score`),
    scoreBeforeTopK: flag(source.scoreBeforeTopK, `${at}.scoreBeforeTopK`),
    renormalized: flag(source.renormalized, `${at}.renormalized`)
  };
  for (const key of [
    'equalWeights',
    'renormalizedKept',
    'weightsInput',
    'tiesToLast'
  ] as const) {
    if (source[key] === true) {
      convention[key] = true;
    }
  }
  for (const key of [
    'epsilon',
    'scale',
    'outputScale',
    'capacity',
    'sharedScores'
  ] as const) {
    if (source[key] !== undefined) {
      convention[key] = number(source[key], `${at}.${key}`);
    }
  }
  for (const key of ['expertScale', 'selectionBias'] as const) {
    if (source[key] !== undefined) {
      convention[key] = perExpert(source[key], experts, `${at}.${key}`);
    }
  }
  if (source.groups !== undefined) {
    const groups = object(source.groups, `${at}.groups`);
    convention.groups = {
      count: count(groups.count, `${at}.groups.count`),
      selected: count(groups.selected, `${at}.groups.selected`),
      score: oneOf(groups.score, ['max', 'top2-sum'], `${at}.groups.score`),
      ...(groups.fill === undefined
        ? {}
        : { fill: number(groups.fill, `${at}.groups.fill`) })
    };
  }
  if (source.sparsemixer !== undefined) {
    const { threshold } = object(source.sparsemixer, `${at}.sparsemixer`);
    convention.sparsemixer = {
      threshold: number(threshold, `${at}.sparsemixer.threshold`)
    };
  }
  return convention;
}

function names(value: unknown, at: string): string | string[] | null {
  return value === null || typeof value === 'string'
    ? value
    : list(value, at).map((name, i) => text(name, `${at}[${i}]`));
}

function flag(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') {
    throw new ProtocolError(`${at} is not true or false`);
  }
  return value;
}

function number(value: unknown, at: string): number {
  if (typeof value !== 'number') {
    throw new ProtocolError(`${at} is not a number`);
  }
  return value;
}

function perExpert(value: unknown, experts: number, at: string): number[] {
  const values = list(value, at);
  if (values.length !== experts) {
    throw new ProtocolError(
      `${at} has ${values.length} entries for ${experts} experts`
    );
  }
  // JSON has no NaN: such values became null.
  return values.map((entry, i) =>
    entry === null ? NaN : number(entry, `${at}[${i}]`)
  );
}
