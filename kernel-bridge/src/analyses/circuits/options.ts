/** Options of the circuit search. */
import type { PatchOptions } from '../patching/options';

export interface CircuitOptions extends PatchOptions {
  /** Find edges. Default true; otherwise nodes alone are patched and left out. */
  edges?: boolean;
  /** Number of points between the two prompts whose gradients are averaged. Default 8; 1 is a single backward pass. */
  steps?: number;
  /** Minimum absolute effect of an edge of the circuit. */
  threshold?: number;
  /**
   * Number of edges. Default without a threshold: the smallest measured circuit with a faithfulness of 80 %, or 32 edges.
   */
  size?: number;
  /** Measure the faithfulness of circuits of growing size. Default true. */
  faithfulness?: boolean;
  /** Random circuits per size. Default 3. */
  randomCircuits?: number;
  /**
   * Number of nodes, and of nodes at single tokens, to patch for comparison with their first-order effects: as many of the
   * strongest as of random ones. Default 32; 0 for none.
   */
  measure?: number;
  /** Seed of random choices. Default 0. */
  seed?: number;
}

export const DEFAULT_STEPS = 8;
export const DEFAULT_MEASURED = 32;
export const DEFAULT_RANDOM = 3;
/** Default number of edges of a circuit. */
export const DEFAULT_SIZE = 32;
/** Faithfulness that a circuit must reach when its size is chosen by measurement. */
export const FAITHFUL = 0.8;
export const MAX_STEPS = 256;
