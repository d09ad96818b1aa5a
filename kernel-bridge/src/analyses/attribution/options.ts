/** What can be asked of an attribution. */
import type { Progress } from '../../base/progress';
import type { Prompt } from '../../run/model/prompt';
import type {
  AttributionMethod,
  QuadratureRule,
  Stack
} from '../../base/protocol';

/** What is explained: a token's logit, its log-probability, or an expert's score in a router. */
export type AttributionTarget =
  | {
      kind: 'logit' | 'log-probability';
      /** Id or text of the token; the likeliest unless given. */
      token?: number | string;
    }
  | {
      kind: 'router';
      layer: number;
      expert: number;
      stack?: Stack;
      /** Tells two routers of one block apart. */
      module?: string;
    };

/**
 * Embeddings to start from: zeros, the mean of the whole table, one token's everywhere (its id or its text), or another
 * prompt's.
 */
export type Baseline =
  'zero' | 'mean' | { token: number | string } | { prompt: Prompt };

export interface AttributeOptions {
  /** The likeliest next token's logit unless given. */
  target?: AttributionTarget;
  /** The token that the target is read at; the last unless given. */
  position?: number;
  /** Integrated gradients unless given. */
  method?: AttributionMethod;
  /** Steps of the integral; 64 unless given. */
  steps?: number;
  rule?: QuadratureRule;
  /** Zeros unless given. */
  baseline?: Baseline;
  /** Looks for the places where the routing changes along the way, and integrates between them. */
  adaptive?: boolean;
  /** Measures deletion and insertion curves beside those of random orders. */
  faithfulness?: boolean;
  /** Also attributes to what each layer adds to the stream, and to each chosen expert. */
  layers?: boolean;
  /** Steps in one run; chosen by measuring unless given. */
  batchSize?: number;
  /** Bytes that one run's activations may take; 2 GiB unless given. */
  memoryLimit?: number;
  signal?: AbortSignal;
  /** Called after each run with the steps that are done. */
  onProgress?: (progress: Progress) => void;
}

export const DEFAULT_STEPS = 64;
export const DEFAULT_MEMORY_LIMIT = 2 ** 31;
