/** What can be asked of patching. */
import type { Progress } from '../../base/progress';
import type { AttributionTarget } from '../attribution/options';
import type { Prompt } from '../../run/model/prompt';
import type { PatchDirection } from '../../base/protocol';

/** What patching is to change: as of an attribution, or how much higher one token's logit is than another's. */
export type PatchTarget =
  | AttributionTarget
  | {
      kind: 'logit-difference';
      /** Ids or texts; the likeliest of the clean prompt less the likeliest of the corrupted one unless given. */
      token?: number | string;
      against?: number | string;
    };

/** The other prompt, of equally many tokens; or the same with all embeddings zero, or the mean of their table. */
export type Corrupted = Prompt | { embeddings: 'zero' | 'mean' };

export interface PatchOptions {
  /** The likeliest next token's logit unless given. */
  target?: PatchTarget;
  /** The token that the target is read at; the last unless given. */
  position?: number;
  /** `noising` unless given. */
  direction?: PatchDirection;
  /** Tell single heads and experts apart where the graph allows it; true unless given. */
  parts?: boolean;
  /** Patches in one run; as many as memory takes, up to 32, unless given. */
  batchSize?: number;
  /** Bytes that one run's activations may take; 2 GiB unless given. */
  memoryLimit?: number;
  signal?: AbortSignal;
  /** Called after each run with the runs that are done. */
  onProgress?: (progress: Progress) => void;
}

/** A node by its id, at one token or at all. */
export interface NodeCell {
  node: string;
  position?: number;
}
