/** Options of what hidden units of an expert do. */
import type { Progress } from '../../base/progress';
import type { RouterPlace } from '../../base/protocol';
import type { PatchTarget } from '../patching/options';

export interface ExpertUnitOptions extends RouterPlace {
  expert: number;
  /** Default: the logit of the most likely next token. */
  target?: PatchTarget;
  /** Token at which the target is read. Default: the last. */
  position?: number;
  /** Limit in bytes for the activations of one run. Default 2 GiB. */
  memoryLimit?: number;
  signal?: AbortSignal;
}

export interface NeuronEffectOptions extends ExpertUnitOptions {
  /** The activation that each neuron is clamped to. Default 0: as if it never fired. */
  to?: number;
  /** Number of the strongest neurons, and of random others, that are clamped to measure their effect. Default 8. */
  measure?: number;
  /** Seed of random choices. Default 0. */
  seed?: number;
  /** Called after each run. */
  onProgress?: (progress: Progress) => void;
}

/** What is done to a neuron: its activation is set, or multiplied. */
export type NeuronChange =
  { neuron: number; value: number } | { neuron: number; factor: number };

export interface ChangeNeuronsOptions extends ExpertUnitOptions {
  neurons?: readonly NeuronChange[];
  /** A direction of the expert's hidden space, [neurons], that is added times `scale`. */
  steer?: { vector: ArrayLike<number>; scale?: number };
}

export const DEFAULT_MEASURED = 8;
