/** How a router turns logits into experts and weights: the convention card of a layer. */
import type { Stack } from '../base/protocol';

export interface Groups {
  /** Experts stand in this many equal groups, in order of their index. */
  count: number;
  /** Groups that stay eligible for a token. */
  selected: number;
  /** A group's score: its best expert's, or the sum of its best two. */
  score: 'max' | 'top2-sum';
}

export interface Convention {
  score: 'softmax' | 'sigmoid';
  /** Scores are taken over all experts, then the best k are chosen; or the other way round. */
  scoreBeforeTopK: boolean;
  /** All chosen experts get the weight 1 / k: the score orders experts and weights nothing. */
  equalWeights?: true;
  /** The k weights are divided by their sum. */
  renormalized: boolean;
  /** What was dropped over capacity is no part of that sum: the other weights of the token grow. */
  renormalizedKept?: true;
  /** Added to the sum before dividing, against division by zero. */
  epsilon?: number;
  /** All weights are multiplied by this (`routed_scaling_factor`). */
  scale?: number;
  /** [experts]: each expert's weight is multiplied by its own factor. */
  expertScale?: number[];
  /** [experts], added to the scores for choosing only. */
  selectionBias?: number[];
  groups?: Groups;
  /** Top-1 and top-2 are drawn one after the other, each against its own masked softmax (Phi-MoE); the threshold. */
  sparsemixer?: { threshold: number };
  /** Tokens that an expert takes before it drops the rest, counted along the sequence. */
  capacity?: number;
  /** The multiplier is applied to what an expert reads, not to what it writes (Llama 4). */
  weightsInput?: true;
  /** Among equal scores the last expert is taken, where ONNX's TopK takes the first (onnxruntime's fused ops). */
  tiesToLast?: true;
}

/** Tensors of the graph that hold what a router did; names as in the graph. */
export interface RouterTensors {
  /** [..., experts] */
  logits: string;
  logitsAre: 'logits' | 'probabilities';
  /** Each [..., k_i]; side by side they give the k experts. Null: computed here from the logits. */
  selected: string[] | null;
  /** Each [..., k_i] as `selected`. Null: taken from `denseWeights`, or computed here. */
  weights: string[] | null;
  /** [..., experts]: the multiplier of each expert, zero where it is not chosen. */
  denseWeights?: string;
  /** [..., experts], not zero where a chosen expert took the token: the others were dropped over capacity. */
  kept?: string;
}

/** One router of a model, as found in its graph. */
export interface Router {
  layer: number;
  stack?: Stack;
  module?: string;
  experts: number;
  topK: number;
  convention: Convention;
  /** What was recognised, in words: "softmax > top-k > renormalise". */
  pattern: string;
  tensors: RouterTensors;
  sharedExperts: number;
  /** The nodes that select, in graph order: one, or one a pick. */
  selectors: { index: number; name: string; op: string }[];
}

/** What a pattern says of a router; its place in the model is found afterwards. */
export type RouterMatch = Omit<
  Router,
  'layer' | 'stack' | 'module' | 'sharedExperts'
>;
