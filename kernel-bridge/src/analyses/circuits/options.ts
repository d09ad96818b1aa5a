/** What can be asked of the search for a circuit. */
import type { PatchOptions } from '../patching/options';

export interface CircuitOptions extends PatchOptions {
  /** Look for edges; true unless given. Without, nodes alone are patched and left out. */
  edges?: boolean;
  /** Places between the two prompts whose gradients are averaged; 8 unless given. 1: one backward pass. */
  steps?: number;
  /** The absolute effect below which edges are no part of the circuit. */
  threshold?: number;
  /**
   * How many edges the circuit has. Without this and a threshold: the fewest of those measured that come to 80 % of the
   * model, or 32.
   */
  size?: number;
  /** Measure how much of the model circuits of growing size do; true unless given. */
  faithfulness?: boolean;
  /** Circuits drawn at random for each size; 3 unless given. */
  randomCircuits?: number;
  /**
   * Patch for real the nodes and the nodes at single tokens whose effects are strongest, and others at random: how many
   * of each; 32 unless given, 0 for none.
   */
  measure?: number;
  /** Of what is drawn at random; 0 unless given. */
  seed?: number;
}

export const DEFAULT_STEPS = 8;
export const DEFAULT_MEASURED = 32;
export const DEFAULT_RANDOM = 3;
/** Edges of a circuit where nothing says how many. */
export const DEFAULT_SIZE = 32;
/** Of the model's own: what a circuit must come to when its size is chosen by measuring. */
export const FAITHFUL = 0.8;
export const MAX_STEPS = 256;
