/** Options of activation patching. */
import type { Progress } from '../../base/progress';
import type { AttributionTarget } from '../attribution/options';
import type { Prompt } from '../../run/model/prompt';
import type { PatchDirection } from '../../base/protocol';

/** Target of patching: as for attribution, or the difference of two tokens' logits. */
export type PatchTarget =
  | AttributionTarget
  | {
      kind: 'logit-difference';
      /** Ids or texts. Default: the top token of the clean prompt minus that of the corrupted one. */
      token?: number | string;
      against?: number | string;
    };

/** The corrupted prompt, of the same length; or the clean one with zero or mean embeddings. */
export type Corrupted = Prompt | { embeddings: 'zero' | 'mean' };

export interface PatchOptions {
  /** Default: the logit of the most likely next token. */
  target?: PatchTarget;
  /** Token at which the target is read. Default: the last. */
  position?: number;
  /** Default `noising`. */
  direction?: PatchDirection;
  /** Patch single heads and experts where the graph allows it. Default true. */
  parts?: boolean;
  /** Patches per run. Default: as many as memory allows, up to 32. */
  batchSize?: number;
  /** Limit in bytes for the activations of one run. Default 2 GiB. */
  memoryLimit?: number;
  signal?: AbortSignal;
  /** Called after each run with the runs done so far. */
  onProgress?: (progress: Progress) => void;
}

/** A node by its id, at one token or at all. */
export interface NodeCell {
  node: string;
  position?: number;
}
