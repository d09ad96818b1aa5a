/** A circuit over a task: what carries the difference between the prompts of many pairs to a target. */
import type {
  CircuitEdge,
  CircuitNode,
  CircuitTarget,
  PatchDirection
} from './circuit';
import type { Token } from './routing';

export interface TaskPair {
  clean: Token[];
  /** Tokens of the corrupted prompt, or the kind of its embeddings. */
  corrupted: Token[] | 'zero' | 'mean';
  target: CircuitTarget;
  /** The target in both runs. */
  values: { clean: number; corrupted: number };
}

/** A figure over pairs, with its 95 % interval by resampling them; null for fewer than four pairs. */
export interface TaskFigure {
  value: number;
  low: number | null;
  high: number | null;
}

/** Circuits of one share of all edges or nodes, on held-out pairs. */
export interface TaskPoint {
  /** Share of all edges or nodes, and their number. */
  fraction: number;
  size: number;
  /**
   * (mean target - corrupted mean) / (clean mean - corrupted mean), of the edges that raise the target most, and of those
   * with the largest absolute effect.
   */
  helpful: number;
  strongest: number;
  /** Mean of random circuits of the same size; absent without them. */
  random?: number;
}

/** Faithfulness over circuits of ten sizes, as MIB measures it (Mueller et al. 2025, arXiv:2504.13151). */
export interface TaskCurve {
  points: TaskPoint[];
  /** Integrated circuit performance ratio: area under `helpful`. Higher is better. */
  cpr: TaskFigure;
  /** Integrated circuit-model distance: area between `strongest` and 1. 0 is best. */
  cmd: TaskFigure;
  /** The same of random circuits; absent without them. */
  random?: { circuits: number; cpr: number; cmd: number };
}

/** What a direction does to held-out pairs. */
export interface DirectionEffect {
  /** Mean change. */
  effect: number;
  /** Its share of the mean difference between clean and corrupted; null if there is none. */
  share: number | null;
  /** The same by uniformly random directions of the same length; of the tested layer alone. */
  random?: DirectionControl;
  /** Probability of so strong an effect by chance; of the tested layer alone. */
  p?: number;
}

export interface DirectionControl {
  directions: number;
  mean: number;
  deviation: number;
}

/** The difference of means between clean and corrupted prompts, at the target's token, in the stream after one block. */
export interface TaskDirection {
  layer: number;
  length: number;
  /** Share of held-out pairs whose clean prompt is further along it. */
  separated: number;
  /**
   * Added to the corrupted prompt: change of the target. Its p-value is the share of random directions, or, where that is
   * larger, of differences in means of the same pairs with clean and corrupted exchanged in some, that change it as much.
   */
  steering: DirectionEffect;
  /**
   * Its coordinate is set to the middle between both means in both prompts: change of the difference between them. Its
   * p-value is the share of random directions, or, where that is larger, of ways to exchange clean and corrupted in the
   * held-out pairs, with as much change.
   */
  removal: DirectionEffect;
}

/** The document that `moe-debugger circuit --pairs FILE --json` prints. */
export interface TaskCircuitDocument {
  schema: 'moe-debugger/task-circuit@1';
  model: string;
  target: string;
  /** Pairs that the circuit was found from. */
  pairs: TaskPair[];
  /** Pairs that it was measured on; empty if they are the same. */
  heldOut: TaskPair[];
  direction: PatchDirection;
  /** Means of the target over the pairs that the circuit was measured on. */
  values: { clean: number; corrupted: number };
  /** What circuits consist of, and how many there are. */
  of: 'edges' | 'nodes';
  total: number;
  /** Resamples that the shares and intervals are of. */
  resamples: number;
  /** By rank, with mean effects. */
  nodes: CircuitNode[];
  /** Strongest mean effect first. Empty without edges. */
  edges: CircuitEdge[];
  edgesLeftOut: number;
  /** Number of edges or nodes of the circuit, and the effect of the weakest. */
  size: number;
  threshold: number;
  curve?: TaskCurve;
  directions?: TaskDirection[];
  notes: string[];
}

/** An effect is confirmed where its corrected p-value is at most this. */
export const CONFIRMED_P = 0.05;
