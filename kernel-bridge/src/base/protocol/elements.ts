/** What a model is made of: its parts as a tree, and the stored weights of one expert. */
import {
  count,
  figure,
  flag,
  list,
  number,
  object,
  oneOf,
  text
} from './checks';
import { ProtocolError } from './error';
import type { RouterPlace } from './places';
import { decodeIdentity, type RouterIdentity } from './routing';

export const ELEMENT_KINDS = [
  'model',
  'stack',
  'layer',
  'attention',
  'mlp',
  'moe',
  'router',
  'experts',
  'shared',
  'other'
] as const;
export type ElementKind = (typeof ELEMENT_KINDS)[number];

/** Parameters that are stored alike. */
export interface StoredAs {
  /** Bits of a parameter. */
  bits: number;
  /** Integers, which scales turn into numbers. */
  quantized: boolean;
  parameters: number;
}

/** A part of a model. Parameters are those of the part and of all below it. */
export interface ModelElement {
  kind: ElementKind;
  /** As people write it: "layer 3", "router". */
  name: string;
  parameters: number;
  /** In the file, with scales and zero points. */
  bytes: number;
  stored: StoredAs[];
  /** What is known of it: name and value. */
  facts: [name: string, value: string][];
  /** Of a router and of experts: index into the routers, and the router's place. */
  router?: number;
  place?: RouterPlace;
  /** Of experts: parameters of each; empty where the graph does not tell them apart. */
  experts?: number[];
  children: ModelElement[];
}

/** One stored tensor of an expert. */
export interface WeightElement {
  tensor: string;
  /** "gate", "up", "down", "bias"; absent where the graph does not tell. */
  role?: string;
  shape: number[];
  /** Bits of a stored element. */
  bits: number;
  quantized: boolean;
  elements: number;
  /** Elements that are NaN or infinite; the numbers below leave them out. */
  nonFinite: number;
  zeros: number;
  /** Frobenius norm. */
  norm: number;
  mean: number;
  /** Standard deviation. */
  deviation: number;
  min: number;
  max: number;
  /** Elements from `min` to `max` in bins of equal width. */
  histogram: number[];
  /** Singular values, largest first; null where they were not computed. */
  spectrum: number[] | null;
  /** exp of the entropy of the singular values over their sum (Roy and Vetterli 2007); null without them. */
  effectiveRank: number | null;
  /** Why there is no spectrum. */
  note?: string;
}

export interface ExpertElement extends RouterIdentity {
  model: string;
  expert: number;
  weights: WeightElement[];
  /** Cosine similarity of its weights to those of the other experts of the layer, [experts]; null where unknown. */
  likeness: (number | null)[] | null;
  notes: string[];
}

const MAX_ELEMENTS = 20_000;
const MAX_EXPERTS = 4096;
const MAX_FACTS = 100;
const MAX_TEXT = 2000;
const MAX_BINS = 1000;
const MAX_TENSORS = 1000;
const MAX_DEPTH = 8;
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

/** @throws ProtocolError naming the invalid field */
export function decodeModelElement(value: unknown): ModelElement {
  let left = MAX_ELEMENTS;
  const read = (entry: unknown, at: string, depth: number): ModelElement => {
    if (left-- === 0 || depth > MAX_DEPTH) {
      throw new ProtocolError('the tree of elements is too large');
    }
    const source = object(entry, at);
    return {
      kind: oneOf(source.kind, ELEMENT_KINDS, `${at}.kind`),
      name: text(source.name, `${at}.name`, MAX_TEXT),
      parameters: count(source.parameters, `${at}.parameters`, MAX_NUMBER),
      bytes: number(source.bytes, `${at}.bytes`),
      stored: list(source.stored, `${at}.stored`, MAX_FACTS).map((one, i) => {
        const where = `${at}.stored[${i}]`;
        const stored = object(one, where);
        return {
          bits: count(stored.bits, `${where}.bits`),
          quantized: flag(stored.quantized, `${where}.quantized`),
          parameters: count(
            stored.parameters,
            `${where}.parameters`,
            MAX_NUMBER
          )
        };
      }),
      facts: list(source.facts, `${at}.facts`, MAX_FACTS).map((one, i) => {
        const where = `${at}.facts[${i}]`;
        const [name, of] = list(one, where, 2);
        return [text(name, where, MAX_TEXT), text(of, where, MAX_TEXT)];
      }),
      ...(source.router === undefined
        ? {}
        : { router: count(source.router, `${at}.router`) }),
      ...(source.place === undefined
        ? {}
        : { place: decodePlace(source.place, `${at}.place`) }),
      ...(source.experts === undefined
        ? {}
        : {
            experts: list(source.experts, `${at}.experts`, MAX_EXPERTS).map(
              (one, i) => count(one, `${at}.experts[${i}]`, MAX_NUMBER)
            )
          }),
      children: list(source.children, `${at}.children`, MAX_ELEMENTS).map(
        (one, i) => read(one, `${at}.children[${i}]`, depth + 1)
      )
    };
  };
  return read(value, 'element', 0);
}

/** @throws ProtocolError naming the invalid field */
export function decodeExpertElement(value: unknown): ExpertElement {
  const source = object(value, 'expert');
  const identity = decodeIdentity(source, 'expert');
  return {
    ...identity,
    model: text(source.model, 'expert.model', MAX_TEXT),
    expert: count(source.expert, 'expert.expert', identity.experts - 1),
    weights: list(source.weights, 'expert.weights', MAX_TENSORS).map(
      (entry, i) => decodeWeight(entry, `expert.weights[${i}]`)
    ),
    likeness:
      source.likeness === null
        ? null
        : list(source.likeness, 'expert.likeness', MAX_EXPERTS).map((one, i) =>
            figure(one, `expert.likeness[${i}]`)
          ),
    notes: list(source.notes, 'expert.notes', MAX_FACTS).map((one, i) =>
      text(one, `expert.notes[${i}]`, MAX_TEXT)
    )
  };
}

function decodePlace(value: unknown, at: string): RouterPlace {
  const { layer, stack, module } = object(value, at);
  return {
    layer: count(layer, `${at}.layer`),
    ...(stack === undefined
      ? {}
      : { stack: oneOf(stack, ['encoder', 'decoder'], `${at}.stack`) }),
    ...(module === undefined
      ? {}
      : { module: text(module, `${at}.module`, MAX_TEXT) })
  };
}

function decodeWeight(value: unknown, at: string): WeightElement {
  const source = object(value, at);
  const numbers = (key: string): number[] =>
    list(source[key], `${at}.${key}`, MAX_BINS).map((one, i) =>
      number(one, `${at}.${key}[${i}]`)
    );
  const counted = (key: string): number =>
    count(source[key], `${at}.${key}`, MAX_NUMBER);
  return {
    tensor: text(source.tensor, `${at}.tensor`, MAX_TEXT),
    ...(source.role === undefined
      ? {}
      : { role: text(source.role, `${at}.role`, MAX_TEXT) }),
    shape: numbers('shape'),
    bits: counted('bits'),
    quantized: flag(source.quantized, `${at}.quantized`),
    elements: counted('elements'),
    nonFinite: counted('nonFinite'),
    zeros: counted('zeros'),
    norm: number(source.norm, `${at}.norm`),
    mean: number(source.mean, `${at}.mean`),
    deviation: number(source.deviation, `${at}.deviation`),
    min: number(source.min, `${at}.min`),
    max: number(source.max, `${at}.max`),
    histogram: numbers('histogram'),
    spectrum: source.spectrum === null ? null : numbers('spectrum'),
    effectiveRank: figure(source.effectiveRank, `${at}.effectiveRank`),
    ...(source.note === undefined
      ? {}
      : { note: text(source.note, `${at}.note`, MAX_TEXT) })
  };
}
