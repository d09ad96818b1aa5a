/** Which tokens of a sample a filter accepts. */
import { characterRuns, type TokenCharacters } from '../../base/charts';
import {
  isInRange,
  type FilterTerm,
  type NumberRange,
  type RouterPlace,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import type { TokenRun } from './token-rows';

type TermOf<Name extends FilterTerm['name']> = Extract<
  FilterTerm,
  { name: Name }
>;
/** A term about the routing of a token in a layer: all such terms hold in one layer. */
type LayerTerm =
  TermOf<'expert'> | TermOf<'layer'> | Extract<FilterTerm, { name: 'weight' }>;

const LAYER_TERMS: readonly FilterTerm['name'][] = [
  'expert',
  'layer',
  'weight',
  'rank',
  'margin'
];

/** [tokens] of a layer of a sample */
export type MarginsOf = (layer: RoutingLayer, run: TokenRun) => Float32Array;

/**
 * [tokens of the run], 1 where all terms hold.
 *
 * Terms about routing (`expert`, `layer`, `weight`, `rank`, `margin`) must hold together in one layer, those about a chosen
 * expert for the same choice. A place, as in `expert:2:5`, says the layer of its term, and the others are looked for there.
 * A negated term holds where it holds in none of the layers that `layer` names.
 */
export function acceptedTokens(
  terms: readonly FilterTerm[],
  run: TokenRun,
  sample: RoutingSample,
  marginsOf: MarginsOf
): Uint8Array {
  const accepted = new Uint8Array(run.tokens.length).fill(1);
  const keep = (holds: Uint8Array, isNegated: boolean): void => {
    for (let t = 0; t < accepted.length; t++) {
      accepted[t] &= isNegated ? 1 - holds[t] : holds[t];
    }
  };
  for (const term of terms) {
    if (!LAYER_TERMS.includes(term.name)) {
      keep(tokenTerm(term, run, sample), term.isNegated);
    }
  }
  const layers = sample.layers.filter(
    layer => run.stack === undefined || (layer.stack ?? 'decoder') === run.stack
  );
  const about = terms.filter(term =>
    LAYER_TERMS.includes(term.name)
  ) as LayerTerm[];
  const named = about.filter(
    (term): term is TermOf<'layer'> => term.name === 'layer'
  );
  const inLayers = layers.filter(layer =>
    named.every(term => isNamed(layer, term) !== term.isNegated)
  );
  const rest = about.filter(term => term.name !== 'layer');
  const holding = rest.filter(term => !term.isNegated);
  const holds = (those: readonly LayerTerm[]): Uint8Array =>
    inAnyLayer(those, inLayers, run, marginsOf);
  if (holding.length > 0) {
    keep(holds(holding), false);
  } else if (named.length > 0) {
    keep(
      new Uint8Array(accepted.length).fill(inLayers.length > 0 ? 1 : 0),
      false
    );
  }
  for (const term of rest.filter(({ isNegated }) => isNegated)) {
    keep(holds([term]), true);
  }
  return accepted;
}

function tokenTerm(
  term: FilterTerm,
  { tokens, stack }: TokenRun,
  sample: RoutingSample
): Uint8Array {
  const where = (test: (token: Token, index: number) => boolean): Uint8Array =>
    Uint8Array.from(tokens, (token, i) => (test(token, i) ? 1 : 0));
  switch (term.name) {
    case 'domain':
      return where(() => term.texts.some(text => text === sample.domain));
    case 'sample':
      return where(() => term.texts.some(text => text === sample.id));
    case 'token':
      return where(({ text }) =>
        term.texts.some(own => own === text || own === text?.trim())
      );
    case 'text':
      return tokensOfText(tokens, term.texts, characterRuns(tokens));
    case 'id':
      return where(({ id }) => inRanges(id, term.ranges));
    case 'pos':
      return where(({ position }) => inRanges(position, term.ranges));
    default:
      throw new Error(`${term.name} is no term about a token of ${stack}`);
  }
}

/**
 * Tokens that a text touches, wherever it begins and ends; upper and lower case are the same.
 * @param characters tokens that make characters together: what they spell stands for their bytes
 */
export function tokensOfText(
  tokens: readonly Token[],
  texts: readonly string[],
  characters: readonly TokenCharacters[] = []
): Uint8Array {
  const ends: number[] = [];
  let whole = '';
  let next = 0;
  tokens.forEach(({ text = '' }, index) => {
    const run = characters[next];
    const isPart = run !== undefined && index >= run.from;
    const isLast = isPart && index === run.to - 1;
    // A letter whose lower case is longer would move all that follows.
    whole += lowered(isPart ? (index === run.from ? run.text : '') : text);
    ends.push(whole.length);
    next += isLast ? 1 : 0;
  });
  const touched = new Uint8Array(tokens.length);
  for (const text of texts.map(lowered).filter(own => own !== '')) {
    let token = 0;
    for (
      let at = whole.indexOf(text);
      at >= 0;
      at = whole.indexOf(text, at + 1)
    ) {
      while (ends[token] <= at) {
        token++;
      }
      for (
        let t = token;
        t < tokens.length && (t === token || ends[t - 1] < at + text.length);
        t++
      ) {
        touched[t] = 1;
      }
    }
  }
  for (const { from, to } of characters) {
    if (touched.subarray(from, to).includes(1)) {
      touched.fill(1, from, to);
    }
  }
  return touched;
}

function lowered(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text;
}

function isNamed(layer: RoutingLayer, { layers }: TermOf<'layer'>): boolean {
  return layers.some(own =>
    'layer' in own ? isAt(layer, own) : isInRange(layer.layer, own)
  );
}

function isAt(layer: RoutingLayer, place: RouterPlace): boolean {
  return (
    place.layer === layer.layer &&
    (place.stack === undefined || place.stack === layer.stack) &&
    (place.module === undefined || place.module === layer.module)
  );
}

function inAnyLayer(
  terms: readonly LayerTerm[],
  layers: readonly RoutingLayer[],
  run: TokenRun,
  marginsOf: MarginsOf
): Uint8Array {
  // Terms with places of their own are looked for there, each with those that say no place.
  const placed = terms.filter(
    (term): term is TermOf<'expert'> =>
      term.name === 'expert' && term.experts.every(({ place }) => place)
  );
  const free = terms.filter(term => !placed.includes(term as never));
  const groups =
    placed.length > 0 ? placed.map(term => [term, ...free]) : [free];
  const all = new Uint8Array(run.tokens.length).fill(1);
  for (const group of groups) {
    const any = new Uint8Array(all.length);
    for (const layer of layers) {
      addWhereAllHold(group, layer, run, marginsOf, any);
    }
    for (let t = 0; t < all.length; t++) {
      all[t] &= any[t];
    }
  }
  return all;
}

function addWhereAllHold(
  terms: readonly LayerTerm[],
  layer: RoutingLayer,
  run: TokenRun,
  marginsOf: MarginsOf,
  into: Uint8Array
): void {
  const { topK, selected, weights } = layer;
  const experts = terms.filter(
    (term): term is TermOf<'expert'> => term.name === 'expert'
  );
  const numbers = (name: 'weight' | 'rank' | 'margin'): NumberRange[][] =>
    (terms as FilterTerm[]).flatMap(term =>
      term.name === name ? [term.ranges] : []
    );
  const [weighed, ranked, close] = [
    numbers('weight'),
    numbers('rank'),
    numbers('margin')
  ];
  // An expert of -1 is none: for it, no number fits.
  const wanted = experts.map(
    term =>
      new Set(
        term.experts
          .filter(({ place }) => !place || isAt(layer, place))
          .map(({ expert }) => expert)
      )
  );
  if (wanted.some(({ size }) => size === 0)) {
    return;
  }
  const margins = close.length > 0 ? marginsOf(layer, run) : undefined;
  const fits = (slot: number, from: number): boolean =>
    weighed.every(ranges => inRanges(weights[slot] ?? NaN, ranges)) &&
    ranked.every(ranges => inRanges(rankOf(weights, slot, from, topK), ranges));
  for (let t = 0; t < into.length; t++) {
    if (
      into[t] === 1 ||
      (margins && !close.every(ranges => inRanges(margins[t], ranges)))
    ) {
      continue;
    }
    const from = t * topK;
    const hasSlot = (test: (expert: number) => boolean): boolean => {
      for (let slot = from; slot < from + topK; slot++) {
        if (selected[slot] >= 0 && test(selected[slot]) && fits(slot, from)) {
          return true;
        }
      }
      return false;
    };
    into[t] =
      wanted.length > 0
        ? Number(wanted.every(own => hasSlot(expert => own.has(expert))))
        : weighed.length + ranked.length > 0
          ? Number(hasSlot(() => true))
          : 1;
  }
}

/** 1 for the largest weight of a token; without weights, the order in which experts are listed. */
function rankOf(
  weights: Float32Array,
  slot: number,
  from: number,
  topK: number
): number {
  if (weights.length === 0) {
    return slot - from + 1;
  }
  let rank = 1;
  for (let other = from; other < from + topK; other++) {
    if (
      weights[other] > weights[slot] ||
      (weights[other] === weights[slot] && other < slot)
    ) {
      rank++;
    }
  }
  return rank;
}

function inRanges(value: number, ranges: readonly NumberRange[]): boolean {
  return ranges.some(range => isInRange(value, range));
}
