/** The JSON document of a trace. */
import type { EditRecord } from '../edits/edits';
import type {
  Coverage,
  RouterIdentity,
  RoutingSample,
  Token
} from '../../base/protocol';

/** Row-major [rows, width]. */
export interface OutputLogits {
  data: Float32Array;
  width: number;
}

export interface TraceLayerDocument extends RouterIdentity {
  logitsAre: 'logits' | 'probabilities';
  /** [tokens][experts] */
  logits: (number | null)[][];
  /** [tokens][k] */
  selected: (number | null)[][];
  /** [tokens][k] */
  weights: (number | null)[][];
}

export interface SampleDocument {
  id: string;
  domain?: string;
  tokens: Token[];
  encoderTokens?: Token[];
  layers: TraceLayerDocument[];
  /** [tokens or 1][vocabulary] */
  outputLogits?: (number | null)[][];
}

export interface TraceDocument {
  schema: 'moe-debugger/trace@1';
  model: string;
  samples: SampleDocument[];
  coverage: Coverage;
  edits: EditRecord[];
  /** Of a trace that comes from a file without a hash of its content. */
  integrity?: 'unverified';
}

/** Rows as plain lists; NaN and infinity, which JSON lacks, become null. */
export function rows(
  values: Float32Array | Int32Array,
  width: number
): (number | null)[][] {
  const result: (number | null)[][] = [];
  for (let start = 0; start < values.length; start += width) {
    result.push(
      Array.from(values.subarray(start, start + width), value =>
        Number.isFinite(value) ? value : null
      )
    );
  }
  return result;
}

export function sampleDocument(
  { id, domain, tokens, encoderTokens, layers }: RoutingSample,
  outputLogits?: OutputLogits
): SampleDocument {
  return {
    id,
    ...(domain === undefined ? {} : { domain }),
    tokens,
    ...(encoderTokens ? { encoderTokens } : {}),
    layers: layers.map(layer => {
      const { logits, selected, weights, ...identity } = layer;
      return {
        ...identity,
        logits: rows(logits, layer.experts),
        selected: rows(selected, layer.topK),
        weights: rows(weights, layer.topK)
      };
    }),
    ...(outputLogits
      ? { outputLogits: rows(outputLogits.data, outputLogits.width) }
      : {})
  };
}
