/** Routing of a run: the one definition that capture produces, files store and views draw. */
import { decodeArray, encodeArray, type EncodedArray } from './arrays';
import { count, list, object, oneOf, text } from './checks';
import { ProtocolError } from './error';

/** Texts of a document may be of any length, and are shown whole. */
const MAX_TOKEN_TEXT = 4096;
const MAX_NAME = 400;

export type Stack = 'encoder' | 'decoder';

/** Id of a token that an imported trace does not identify. */
export const NO_TOKEN_ID = -1;

export interface Token {
  position: number;
  /** `NO_TOKEN_ID` if unknown. */
  id: number;
  /** Text of the token; absent when the model has no tokenizer. */
  text?: string;
}

/** Identity and scoring of a router, shared by a captured layer and a model's description. */
export interface RouterIdentity {
  /** Index of the transformer block within its stack. */
  layer: number;
  stack?: Stack;
  /** Distinguishes two routers of one block. */
  module?: string;
  experts: number;
  topK: number;
  score: 'softmax' | 'sigmoid';
}

/** Routing of each token of a sample by one router. Arrays are row-major. */
export interface RoutingLayer extends RouterIdentity {
  /** `logits` holds raw router scores, or probabilities if the graph has nothing else. */
  logitsAre: 'logits' | 'probabilities';
  /** [tokens, experts]; empty if not recorded. */
  logits: Float32Array;
  /** [tokens, topK], in the model's own order; -1 for a dropped token. */
  selected: Int32Array;
  /** [tokens, topK], the multipliers of the experts' outputs; empty if not recorded. NaN is damage, never "unknown". */
  weights: Float32Array;
}

/** Routing of one prompt. `layers` is in graph order. */
export interface RoutingSample {
  id: string;
  domain?: string;
  tokens: Token[];
  /** For encoder-decoder models: the tokens of layers with `stack: 'encoder'`. */
  encoderTokens?: Token[];
  layers: RoutingLayer[];
}

export interface Coverage {
  moeLayers: number;
  layersCaptured: number;
  tokens: number;
  /** Tokens that were run, where only a share of them was captured. */
  tokensRun?: number;
  /** (token, layer, rank) triples captured: the sum of k × tokens over layers. */
  slots: number;
}

/** The tokens that a layer routed. */
export function tokensOf(
  sample: RoutingSample,
  layer: RouterIdentity
): Token[] {
  return layer.stack === 'encoder'
    ? (sample.encoderTokens ?? [])
    : sample.tokens;
}

/** Display name of a router's layer: "layer 3", "encoder layer 3", "layer 3 attention". */
export function layerName(
  layer: Pick<RouterIdentity, 'layer' | 'stack' | 'module'>
): string {
  return `${layer.stack ? `${layer.stack} ` : ''}layer ${layer.layer}${layer.module ? ` ${layer.module}` : ''}`;
}

export type EncodedLayer = RouterIdentity & {
  logitsAre: 'logits' | 'probabilities';
  /** Absent if omitted to keep an output small. */
  logits?: EncodedArray;
  selected: EncodedArray;
  /** Absent if not recorded. */
  weights?: EncodedArray;
};

export interface EncodedSample {
  id: string;
  domain?: string;
  tokens: Token[];
  encoderTokens?: Token[];
  layers: EncodedLayer[];
}

export interface EncodeOptions {
  /** Keep bytes as views for a binary transport instead of base64 text. */
  binary?: boolean;
  /** Omit the logits. */
  withoutLogits?: boolean;
}

export function encodeSample(
  sample: RoutingSample,
  options: EncodeOptions = {}
): EncodedSample {
  return {
    ...sample,
    layers: sample.layers.map(layer => {
      const count = tokensOf(sample, layer).length;
      const { logits, selected, weights, ...identity } = layer;
      const encoded: EncodedLayer = {
        ...identity,
        selected: encodeArray(selected, [count, layer.topK], options.binary)
      };
      if (weights.length > 0) {
        encoded.weights = encodeArray(
          weights,
          [count, layer.topK],
          options.binary
        );
      }
      if (!options.withoutLogits && logits.length > 0) {
        encoded.logits = encodeArray(
          logits,
          [count, layer.experts],
          options.binary
        );
      }
      return encoded;
    })
  };
}

/**
 * Decodes and validates a sample from a notebook, a file or a comm. Omitted logits and weights become empty arrays.
 * @throws ProtocolError naming the invalid field
 */
export function decodeSample(value: unknown): RoutingSample {
  const source = object(value, 'sample');
  const sample: RoutingSample = {
    id: text(source.id, 'sample.id').slice(0, MAX_NAME),
    tokens: decodeTokens(source.tokens, 'sample.tokens'),
    layers: []
  };
  if (source.domain !== undefined) {
    sample.domain = text(source.domain, 'sample.domain').slice(0, MAX_NAME);
  }
  if (source.encoderTokens !== undefined) {
    sample.encoderTokens = decodeTokens(
      source.encoderTokens,
      'sample.encoderTokens'
    );
  }
  sample.layers = list(source.layers, 'sample.layers').map((entry, i) =>
    decodeLayer(entry, sample, `layers[${i}]`)
  );
  return sample;
}

/** Location of a router. @throws ProtocolError naming the invalid field */
export function decodePlace(
  source: Record<string, unknown>,
  at: string
): Pick<RouterIdentity, 'layer' | 'stack' | 'module'> {
  return {
    layer: count(source.layer, `${at}.layer`),
    ...(source.stack === undefined
      ? {}
      : {
          stack: oneOf<Stack>(
            source.stack,
            ['encoder', 'decoder'],
            `${at}.stack`
          )
        }),
    ...(source.module === undefined
      ? {}
      : { module: text(source.module, `${at}.module`).slice(0, MAX_NAME) })
  };
}

/** @throws ProtocolError naming the invalid field */
export function decodeIdentity(
  source: Record<string, unknown>,
  at: string
): RouterIdentity {
  return {
    ...decodePlace(source, at),
    experts: count(source.experts, `${at}.experts`),
    topK: count(source.topK, `${at}.topK`),
    score: oneOf(source.score, ['softmax', 'sigmoid'], `${at}.score`)
  };
}

function decodeLayer(
  value: unknown,
  sample: RoutingSample,
  at: string
): RoutingLayer {
  const source = object(value, at);
  const identity = decodeIdentity(source, at);
  const n = tokensOf(sample, identity).length;
  const layer: RoutingLayer = {
    ...identity,
    logitsAre: oneOf(
      source.logitsAre,
      ['logits', 'probabilities'],
      `${at}.logitsAre`
    ),
    logits:
      source.logits === undefined
        ? new Float32Array(0)
        : decodeArray(
            source.logits,
            'float32',
            [n, identity.experts],
            `${at}.logits`
          ),
    selected: decodeArray(
      source.selected,
      'int32',
      [n, identity.topK],
      `${at}.selected`
    ),
    weights:
      source.weights === undefined
        ? new Float32Array(0)
        : decodeArray(
            source.weights,
            'float32',
            [n, identity.topK],
            `${at}.weights`
          )
  };
  const stray = layer.selected.find(
    expert => expert < -1 || expert >= layer.experts
  );
  if (stray !== undefined) {
    throw new ProtocolError(
      `${at}.selected names expert ${stray} of ${layer.experts}`
    );
  }
  return layer;
}

/** @throws ProtocolError naming the invalid field */
export function decodeTokens(value: unknown, at: string): Token[] {
  return list(value, at).map((entry, i) => {
    const source = object(entry, `${at}[${i}]`);
    const token: Token = {
      position: count(source.position, `${at}[${i}].position`),
      id:
        source.id === NO_TOKEN_ID
          ? NO_TOKEN_ID
          : count(source.id, `${at}[${i}].id`)
    };
    if (source.text !== undefined) {
      token.text = text(source.text, `${at}[${i}].text`).slice(
        0,
        MAX_TOKEN_TEXT
      );
    }
    return token;
  });
}
