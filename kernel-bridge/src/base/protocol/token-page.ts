/** A page of the list of a trace's tokens: those that a filter accepts, sorted, with their routing in all layers. */
import { decodeArray, encodeArray, type EncodedArray } from './arrays';
import { count, list, number, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import type { FilterProblem } from './filter';
import {
  decodeIdentity,
  decodeTokens,
  type RouterIdentity,
  type Stack,
  type Token
} from './routing';

export const TOKEN_ORDERS = [
  'position',
  'text',
  'sample',
  'expert',
  'margin'
] as const;
export type TokenOrder = (typeof TOKEN_ORDERS)[number];

export interface TokenQuestion {
  /** See `filter.ts`; empty accepts all. */
  filter: string;
  order: TokenOrder;
  /** Of orders by expert and by margin: index into the routers of the trace. */
  layerIndex: number;
  isDescending: boolean;
  /** Rows of the filtered list. */
  from: number;
  count: number;
}

export interface TokenRow extends Token {
  /** Index into the samples of the trace. */
  sample: number;
  /** Of a model with two stacks. */
  stack?: Stack;
  /** Index into all tokens of the trace, whatever the filter. */
  index: number;
  /** Of a token that is a part of a character. */
  character?: TokenPart;
}

/** Which part of some characters a token is. */
export interface TokenPart {
  /** What all parts spell. */
  text: string;
  /** From 0. */
  part: number;
  parts: number;
}

/** The routing of a page's rows by one router. */
export interface TokenPageLayer extends RouterIdentity {
  /** [rows, topK], in the model's own order; `NOT_ROUTED` in rows of the other stack. */
  selected: Int32Array;
  /** [rows, topK]; empty if not recorded. */
  weights: Float32Array;
  /** [rows]: how close the choice was; NaN where it is unknown. Empty without logits. */
  margins: Float32Array;
  /** [rows]: the expert that comes next; -1 where it is unknown. Empty without logits. */
  next: Int32Array;
  /** A margin below this is a near miss. */
  nearMiss: number;
}

export interface TokenPage {
  /** Tokens of the trace. */
  total: number;
  /** Tokens that the filter accepts. */
  matches: number;
  /** The terms that are not applied. */
  problems: FilterProblem[];
  from: number;
  rows: TokenRow[];
  /** In graph order. */
  layers: TokenPageLayer[];
}

/** In `selected`: the router does not route this token. */
export const NOT_ROUTED = -2;
export const MAX_TOKEN_ROWS = 1000;
const MAX_FILTER = 2000;
const MAX_LAYERS = 4096;
const MAX_PROBLEMS = 1000;
const MAX_MESSAGE = 400;
const MAX_CHARACTER = 4000;
const MAX_TOKENS = Number.MAX_SAFE_INTEGER;

type EncodedTokenLayer = Omit<
  TokenPageLayer,
  'selected' | 'weights' | 'margins' | 'next'
> & {
  selected: EncodedArray;
  weights?: EncodedArray;
  margins?: EncodedArray;
  next?: EncodedArray;
};

export type EncodedTokenPage = Omit<TokenPage, 'layers'> & {
  layers: EncodedTokenLayer[];
};

/** @throws ProtocolError naming the invalid field */
export function readTokenQuestion(
  source: Record<string, unknown>
): TokenQuestion {
  return {
    filter: text(source.filter, 'filter', MAX_FILTER),
    order: oneOf(source.order, TOKEN_ORDERS, 'order'),
    layerIndex: count(source.layerIndex, 'layerIndex', MAX_LAYERS),
    isDescending: source.isDescending === true,
    from: count(source.from, 'from', MAX_TOKENS),
    count: count(source.count, 'count', MAX_TOKEN_ROWS)
  };
}

/** Its arrays stay views, for `extractBuffers`. */
export function encodeTokenPage(page: TokenPage): EncodedTokenPage {
  const rows = page.rows.length;
  return {
    ...page,
    layers: page.layers.map(
      ({ selected, weights, margins, next, ...layer }) => ({
        ...layer,
        selected: encodeArray(selected, [rows, layer.topK], true),
        ...(weights.length > 0
          ? { weights: encodeArray(weights, [rows, layer.topK], true) }
          : {}),
        ...(margins.length > 0
          ? {
              margins: encodeArray(margins, [rows], true),
              next: encodeArray(next, [rows], true)
            }
          : {})
      })
    )
  };
}

/** @throws ProtocolError naming the invalid field */
export function decodeTokenPage(value: unknown): TokenPage {
  const source = object(value, 'page');
  const given = list(source.rows, 'rows', MAX_TOKEN_ROWS);
  const tokens = decodeTokens(given, 'rows');
  const rows = tokens.map((token, i): TokenRow => {
    const row = object(given[i], `rows[${i}]`);
    return {
      ...token,
      sample: count(row.sample, `rows[${i}].sample`),
      ...(row.stack === undefined
        ? {}
        : {
            stack: oneOf(row.stack, ['encoder', 'decoder'], `rows[${i}].stack`)
          }),
      index: count(row.index, `rows[${i}].index`, MAX_TOKENS),
      ...(row.character === undefined
        ? {}
        : { character: decodePart(row.character, `rows[${i}].character`) })
    };
  });
  return {
    total: count(source.total, 'total', MAX_TOKENS),
    matches: count(source.matches, 'matches', MAX_TOKENS),
    problems: list(source.problems, 'problems', MAX_PROBLEMS).map(
      (entry, i) => {
        const problem = object(entry, `problems[${i}]`);
        return {
          at: count(problem.at, `problems[${i}].at`),
          length: count(problem.length, `problems[${i}].length`),
          message: text(problem.message, `problems[${i}].message`, MAX_MESSAGE)
        };
      }
    ),
    from: count(source.from, 'from', MAX_TOKENS),
    rows,
    layers: list(source.layers, 'layers', MAX_LAYERS).map((entry, i) =>
      decodeLayer(entry, rows.length, `layers[${i}]`)
    )
  };
}

function decodePart(value: unknown, at: string): TokenPart {
  const source = object(value, at);
  return {
    text: text(source.text, `${at}.text`, MAX_CHARACTER),
    part: count(source.part, `${at}.part`),
    parts: count(source.parts, `${at}.parts`)
  };
}

function decodeLayer(value: unknown, rows: number, at: string): TokenPageLayer {
  const source = object(value, at);
  const identity = decodeIdentity(source, at);
  const { experts, topK } = identity;
  const hasMargins = source.margins !== undefined;
  const layer = {
    ...identity,
    selected: decodeArray(
      source.selected,
      'int32',
      [rows, topK],
      `${at}.selected`
    ),
    weights:
      source.weights === undefined
        ? new Float32Array(0)
        : decodeArray(source.weights, 'float32', [rows, topK], `${at}.weights`),
    margins: hasMargins
      ? decodeArray(source.margins, 'float32', [rows], `${at}.margins`)
      : new Float32Array(0),
    next: hasMargins
      ? decodeArray(source.next, 'int32', [rows], `${at}.next`)
      : new Int32Array(0),
    nearMiss: number(source.nearMiss, `${at}.nearMiss`)
  };
  const stray =
    layer.selected.find(expert => expert < NOT_ROUTED || expert >= experts) ??
    layer.next.find(expert => expert < -1 || expert >= experts);
  if (stray !== undefined) {
    throw new ProtocolError(`${at} names expert ${stray} of ${experts}`);
  }
  return layer;
}
