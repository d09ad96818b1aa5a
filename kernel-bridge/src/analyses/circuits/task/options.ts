/** Options of circuits over a task. */
import type { Prompt } from '../../../run/model/prompt';
import type {
  Corrupted,
  PatchOptions,
  PatchTarget
} from '../../patching/options';
import type { CircuitOptions } from '../options';

/** A clean prompt, and a corrupted one with as many tokens; pairs can differ in length. */
export interface PromptPair {
  clean: Prompt;
  corrupted: Corrupted;
  /** Default: that of all pairs. */
  target?: PatchTarget;
  /** Token at which the target is read. Default: that of all pairs, or the last. */
  position?: number;
}

export interface TaskCircuitOptions
  extends
    PatchOptions,
    Pick<
      CircuitOptions,
      'edges' | 'steps' | 'threshold' | 'size' | 'faithfulness' | 'seed'
    > {
  /** Pairs to measure on. Default: every second of four or more pairs; of fewer pairs, the same pairs. */
  heldOut?: readonly PromptPair[];
  /** Random circuits per size. Default 3. */
  randomCircuits?: number;
  /** Sets of pairs that are drawn with replacement. Default 1000. */
  resamples?: number;
  /** Extract a direction from the pairs for each layer, and try it on held-out pairs. Default true. */
  directions?: boolean;
  /** Layer whose direction is compared with others. Default: the first that steers half as far as the best. */
  directionLayer?: number;
  /** Number of random and of exchanged directions to compare with. Default 19, for a p-value of 0.05. */
  controls?: number;
}

export const DEFAULT_RESAMPLES = 1000;
export const DEFAULT_CONTROLS = 19;
