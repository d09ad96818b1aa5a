/**
 * A circuit: the parts of a model by which a difference between two prompts reaches a target, and the ways between
 * them. The parts are what writes to the residual stream (embeddings, attention heads, experts) and what reads it; an
 * edge is what one part writes, read by one input of another.
 */
import type { Stack, Token } from './routing';

export const CIRCUIT_NODE_KINDS = [
  'embedding',
  'attention',
  'head',
  'moe',
  'expert',
  'mlp',
  'router',
  'residual',
  'logits'
] as const;
export type CircuitNodeKind = (typeof CIRCUIT_NODE_KINDS)[number];

/** By which input a part reads the stream. */
export const CIRCUIT_INPUTS = [
  'query',
  'key',
  'value',
  'router',
  'experts'
] as const;
export type CircuitInput = (typeof CIRCUIT_INPUTS)[number];

export interface CircuitNode {
  /** Unique in its document, and to be read: "layer 3 head 1". */
  id: string;
  kind: CircuitNodeKind;
  /** Absent for the embeddings and the logits. */
  layer?: number;
  stack?: Stack;
  /** Which head or expert of its layer. */
  index?: number;
  /** Id of the node of lower rank that reads the stream for it, as the experts of a layer are read for together. */
  within?: string;
  /** Where it stands along the stream: a node reads only what nodes of lower rank wrote. */
  rank: number;
  /** First order, over all tokens: what patching the node would change the target by. Null where not measured. */
  effect: number | null;
  /** The same at each token. */
  effects?: (number | null)[];
  /** What patching it at all tokens changed the target by, for real. Absent where it was not run. */
  patched?: number | null;
  /** The same at each token; null where it was not run. */
  patchedAt?: (number | null)[];
}

export interface CircuitEdge {
  /** Ids of nodes. */
  from: string;
  to: string;
  /** Absent where the node reads the stream in one way only. */
  input?: CircuitInput;
  /** First order: what the target changes by when this input alone reads the other prompt's values. */
  effect: number;
}

/** How well a circuit of some size does what the model does, measured: the model run with all else patched. */
export interface CircuitPoint {
  /** How many of the strongest edges, or nodes, it has. */
  size: number;
  /** The absolute effect of the weakest of them; null for a circuit of nothing. */
  threshold: number | null;
  /** The target of the run. */
  value: number | null;
  /** (value - corrupted) / (clean - corrupted): 1 for the whole model, 0 for nothing. */
  faithfulness: number | null;
  /** Circuits of as many edges or nodes that were drawn at random: their mean and standard deviation. */
  random?: {
    circuits: number;
    mean: number | null;
    deviation: number | null;
  };
}

export interface CircuitFaithfulness {
  /** What was left out for real: single edges, or whole nodes. */
  of: 'edges' | 'nodes';
  /** How many there are in all. */
  total: number;
  /** By size, the smallest first. */
  points: CircuitPoint[];
}

/** How well first-order effects tell those that were measured. */
export interface CircuitCorrelation {
  /** Null where all are alike, or fewer than two. */
  pearson: number | null;
  spearman: number | null;
  /** Share of pairs of the same sign. */
  sameSign: number | null;
  n: number;
}

export interface CircuitTarget {
  kind: 'logit' | 'logit-difference' | 'log-probability' | 'router';
  /** The token that it is read at. */
  position: number;
  /** Of a logit: the token whose it is. */
  token?: number;
  text?: string;
  /** Of a difference: the token whose logit is subtracted. */
  against?: number;
  againstText?: string;
  /** Of a routing decision. */
  layer?: number;
  stack?: Stack;
  module?: string;
  expert?: number;
}

/**
 * `noising`: the clean prompt is run, and activations of the corrupted one are patched in; effects are about the clean
 * run. `denoising`: the other way round.
 */
export type PatchDirection = 'noising' | 'denoising';

/** The document that `moe-debugger circuit --json` prints. */
export interface CircuitDocument {
  schema: 'moe-debugger/circuit@1';
  model: string;
  clean: Token[];
  /** Tokens of the other prompt; or how its embeddings were made. */
  corrupted: Token[] | 'zero' | 'mean';
  target: CircuitTarget;
  direction: PatchDirection;
  /** The target of both runs. */
  values: { clean: number; corrupted: number };
  /** By rank. */
  nodes: CircuitNode[];
  /** The strongest first. Empty where edges were not asked for. */
  edges: CircuitEdge[];
  /** Weaker edges that were left out of the document. */
  edgesLeftOut: number;
  /** The absolute effect below which edges (without edges: nodes) are no part of the circuit as it was asked for. */
  threshold: number;
  faithfulness?: CircuitFaithfulness;
  /** Of first-order and measured effects: of nodes at single tokens, and of nodes at all tokens. */
  correlation?: { cells?: CircuitCorrelation; nodes?: CircuitCorrelation };
  /** What a reader should know of how the figures came about. */
  notes: string[];
}

/** What a circuit has when weak edges are left out. */
export interface PrunedCircuit {
  nodes: CircuitNode[];
  edges: CircuitEdge[];
}

/** The size of a first-order effect. */
export function effectStrength({
  effect
}: Pick<CircuitNode, 'effect'>): number {
  return Math.abs(effect ?? 0);
}

/**
 * The edges of at least a strength that lie on a way to the last node, and the nodes that they join; of a document
 * without edges, the nodes of at least that strength.
 */
export function pruneCircuit(
  { nodes, edges }: Pick<CircuitDocument, 'nodes' | 'edges'>,
  threshold: number
): PrunedCircuit {
  if (edges.length === 0) {
    return {
      nodes: nodes.filter(
        node => node.kind === 'logits' || effectStrength(node) >= threshold
      ),
      edges: []
    };
  }
  const strong = edges.filter(edge => effectStrength(edge) >= threshold);
  const rank = new Map(nodes.map(node => [node.id, node.rank]));
  const last = Math.max(...nodes.map(node => node.rank));
  const within = new Map(nodes.map(node => [node.id, node.within]));
  const reached = new Set(
    nodes.filter(node => node.rank === last).map(({ id }) => id)
  );
  const kept = new Set<CircuitEdge>();
  // Edges lead to higher ranks, so from the last on each node is settled before those that it reads.
  for (const edge of [...strong].sort(
    (a, b) => (rank.get(b.to) ?? 0) - (rank.get(a.to) ?? 0)
  )) {
    if (reached.has(edge.to)) {
      reached.add(edge.from);
      reached.add(within.get(edge.from) ?? edge.from);
      kept.add(edge);
    }
  }
  return {
    nodes: nodes.filter(({ id }) => reached.has(id)),
    edges: strong.filter(edge => kept.has(edge))
  };
}

/** The threshold at which as many edges are left as asked for; without edges, nodes. */
export function circuitThreshold(
  { nodes, edges }: Pick<CircuitDocument, 'nodes' | 'edges'>,
  size: number
): number {
  const strengths = (edges.length > 0 ? edges : nodes)
    .map(effectStrength)
    .sort((a, b) => b - a);
  return size <= 0
    ? Number.MAX_VALUE
    : (strengths[Math.min(size, strengths.length) - 1] ?? 0);
}
