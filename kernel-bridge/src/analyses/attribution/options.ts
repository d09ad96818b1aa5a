/** Options of an attribution. */
import type { Progress } from '../../base/progress';
import type { Prompt } from '../../run/model/prompt';
import type {
  AttributionMethod,
  QuadratureRule,
  Stack
} from '../../base/protocol';

/** The target: a token's logit, its log-probability, or an expert's router score. */
export type AttributionTarget =
  | {
      kind: 'logit' | 'log-probability';
      /** Id or text of the token. Default: the most likely token. */
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
 * Where the attribution starts: zero embeddings, the mean of the embedding table, one token's embedding (by id or text),
 * or the embeddings of another prompt.
 */
export type Baseline =
  'zero' | 'mean' | { token: number | string } | { prompt: Prompt };

export interface AttributeOptions {
  /** Default: the logit of the most likely next token. */
  target?: AttributionTarget;
  /** Token at which the target is read. Default: the last. */
  position?: number;
  /** Default `integrated-gradients`. */
  method?: AttributionMethod;
  /** Integration steps. Default 64. */
  steps?: number;
  rule?: QuadratureRule;
  /** Default zeros. */
  baseline?: Baseline;
  /** Finds the points at which the routing changes along the path, and integrates between them. */
  adaptive?: boolean;
  /** Also computes deletion and insertion curves, next to those of random orders. */
  faithfulness?: boolean;
  /** Also attributes to the output of each layer and each selected expert. */
  layers?: boolean;
  /** Steps per run. Default: chosen by timing. */
  batchSize?: number;
  /** Limit in bytes for the activations of one run. Default 2 GiB. */
  memoryLimit?: number;
  signal?: AbortSignal;
  /** Called after each run with the steps done so far. */
  onProgress?: (progress: Progress) => void;
}

export const DEFAULT_STEPS = 64;
export const DEFAULT_MEMORY_LIMIT = 2 ** 31;
