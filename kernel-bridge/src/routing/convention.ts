/** A router's convention: how it computes the chosen experts and their weights from logits. */
import type { Stack } from '../base/protocol';

/** A wider product computes vocabulary logits, and not scores of experts; or the shapes of the file are damaged. */
export const MAX_EXPERTS = 16_384;

export interface Groups {
  /** Number of groups; each is a range of consecutive experts, all of one size. */
  count: number;
  /** Number of groups that a token may choose experts from. */
  selected: number;
  /** Score of a group: its highest expert score, or the sum of its two highest. */
  score: 'max' | 'top2-sum';
  /**
   * What experts outside the selected groups are chosen by. Given where experts of these groups can have less, so that
   * others are chosen before them. Default -Infinity: never chosen.
   */
  fill?: number;
}

export interface Convention {
  score: 'softmax' | 'sigmoid';
  /** True: scores over all experts, then top-k. False: top-k of the logits, then scores over the chosen. */
  scoreBeforeTopK: boolean;
  /** All chosen experts get the weight 1 / k: the score orders experts and weights nothing. */
  equalWeights?: true;
  /** The k weights are divided by their sum. */
  renormalized: boolean;
  /** The sum excludes experts that dropped the token over capacity, so that its other weights grow. */
  renormalizedKept?: true;
  /**
   * Experts that every token takes and that are scored with the chosen: the sum includes their scores. Each has its own
   * share of it, so that the weights of the chosen sum to less than 1.
   */
  sharedScores?: number;
  /** Added to the sum before the division. */
  epsilon?: number;
  /** All weights are multiplied by this (`routed_scaling_factor`). */
  scale?: number;
  /** The sum of the experts' outputs is multiplied by this, after a fused op, and so are the weights. */
  outputScale?: number;
  /** [experts]: each expert's weight is multiplied by its own factor. */
  expertScale?: number[];
  /** [experts], added to the scores for the choice, but not to the weights. */
  selectionBias?: number[];
  groups?: Groups;
  /** SparseMixer (Phi-MoE): experts are picked in turn, each weighted by a softmax over its near-ties. */
  sparsemixer?: { threshold: number };
  /** Tokens that an expert accepts, in order of the sequence, before it drops the others. */
  capacity?: number;
  /** Weights multiply the experts' input, not their output (Llama 4). */
  weightsInput?: true;
  /** Ties go to the highest index (onnxruntime's fused ops). With ONNX's TopK they go to the lowest. */
  tiesToLast?: true;
}

/** Names of the graph's tensors that hold a router's logits, choice and weights. */
export interface RouterTensors {
  /** [..., experts] */
  logits: string;
  logitsAre: 'logits' | 'probabilities';
  /** Each [..., k_i]; concatenated they are the k chosen experts. Null: computed from the logits, outside the graph. */
  selected: string[] | null;
  /** Each shaped as in `selected`. Null: gathered from `denseWeights`, or computed outside the graph. */
  weights: string[] | null;
  /** [..., experts]: the weight of each expert, zero where it is not chosen. */
  denseWeights?: string;
  /**
   * Shaped as `selected`, a single tensor: the experts that the graph applies, where it replaces some after the choice (those
   * of a skip class, of padding).
   */
  applied?: string;
  /** [..., experts], nonzero where a chosen expert accepted the token, zero where it was dropped over capacity. */
  kept?: string;
  /** What a fused op adds, [..., hidden]: its output times the factors of the convention that come after it. */
  added?: string;
  /** [..., shared experts]: the logits of those that are scored with the chosen. */
  shared?: string;
}

/** The coarsest arithmetic between a router's logits and its weights. */
export interface Rounding {
  /** Largest relative error of one rounding to the type of its numbers. */
  unit: number;
  /** Largest distance between two numbers of a quantiser on the way; 0 for none. */
  step: number;
  /** The least and the largest number that a quantiser makes of a logit. */
  limits?: readonly [number, number];
}

/** One router of a model, as found in its graph. */
export interface Router {
  layer: number;
  stack?: Stack;
  module?: string;
  experts: number;
  topK: number;
  convention: Convention;
  /** The recognised steps as text: "softmax > top-k > renormalise". */
  pattern: string;
  tensors: RouterTensors;
  sharedExperts: number;
  /** Default float32 throughout. */
  rounding?: Rounding;
  /** From the product with the router's weights to the point where the logits are read, as text. */
  logitSteps?: string[];
  /** The logits are c tanh(x / c) of that product. */
  softcap?: number;
  /** Experts that can be selected and that the graph has no path for, in ascending order; absent where there are none. */
  lost?: number[];
  /**
   * The selecting nodes (TopK, ArgMax or a fused op) in graph order: one, or one a pick. A fused op comes first, before a TopK
   * that chooses for it.
   */
  selectors: { index: number; name: string; op: string }[];
}

/** A router as a pattern recognises it, before its place in the model is known. */
export type RouterMatch = Omit<
  Router,
  | 'layer'
  | 'stack'
  | 'module'
  | 'sharedExperts'
  | 'rounding'
  | 'logitSteps'
  | 'softcap'
>;
