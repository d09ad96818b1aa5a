/**
 * A circuit: the nodes and edges that carry the difference between two prompts to a target. A node writes to the residual
 * stream (embeddings, attention heads, experts) or reads it; an edge is the output of one node, read by one input of
 * another.
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

/** The inputs by which a node reads the stream. */
export const CIRCUIT_INPUTS = [
  'query',
  'key',
  'value',
  'router',
  'experts'
] as const;
export type CircuitInput = (typeof CIRCUIT_INPUTS)[number];

/** How sure the effect of a node or an edge is, over the pairs of a task. */
export interface CircuitConfidence {
  /** Share of resampled sets of pairs whose circuit of the same size has it; null for fewer than four pairs. */
  included: number | null;
  /** 95 % interval of the mean effect by resampling; null for fewer than four pairs. */
  low: number | null;
  high: number | null;
  /** Probability of so strong a mean effect if its sign were chance in each pair, corrected for all edges or nodes. */
  p: number;
}

export interface CircuitNode {
  /** Unique in its document, and human-readable: "layer 3 head 1". */
  id: string;
  kind: CircuitNodeKind;
  /** Absent for the embeddings and the logits. */
  layer?: number;
  stack?: Stack;
  /** Index of the head or expert in its layer. */
  index?: number;
  /** Id of the node of lower rank that reads the stream for it; the experts of a layer share one. */
  within?: string;
  /** Position along the stream: a node reads only nodes of lower rank. */
  rank: number;
  /** First-order effect of patching the node at all tokens. Null where not computed. */
  effect: number | null;
  /** The same at each token. */
  effects?: (number | null)[];
  /** Measured effect of patching it at all tokens. Absent if it was not run. */
  patched?: number | null;
  /** The same at each token; null where it was not run. */
  patchedAt?: (number | null)[];
  /** Of a circuit over a task. */
  confidence?: CircuitConfidence;
}

export interface CircuitEdge {
  /** Ids of nodes. */
  from: string;
  to: string;
  /** Absent if the node has only one input. */
  input?: CircuitInput;
  /** First-order effect of patching this input alone with the other prompt's values. */
  effect: number;
  /** Of a circuit over a task. */
  confidence?: CircuitConfidence;
}

/** Faithfulness of a circuit of some size: the model runs with everything outside the circuit patched. */
export interface CircuitPoint {
  /** Number of edges or nodes, strongest first. */
  size: number;
  /** Absolute effect of the weakest of them; null for an empty circuit. */
  threshold: number | null;
  /** The target in that run. */
  value: number | null;
  /** (value - corrupted) / (clean - corrupted): 1 for the whole model, 0 for an empty circuit. */
  faithfulness: number | null;
  /** Random circuits of the same size: mean and standard deviation. */
  random?: {
    circuits: number;
    mean: number | null;
    deviation: number | null;
  };
}

export interface CircuitFaithfulness {
  /** What was left out in measurement: single edges, or whole nodes. */
  of: 'edges' | 'nodes';
  /** Total number of them. */
  total: number;
  /** By ascending size. */
  points: CircuitPoint[];
}

/** Correlation of first-order effects with measured ones. */
export interface CircuitCorrelation {
  /** Null if all values are equal, or there are fewer than two. */
  pearson: number | null;
  spearman: number | null;
  /** Share of pairs of the same sign. */
  sameSign: number | null;
  n: number;
}

export interface CircuitTarget {
  kind: 'logit' | 'logit-difference' | 'log-probability' | 'router';
  /** The token at which it is read. */
  position: number;
  /** For a logit: the token whose logit it is. */
  token?: number;
  text?: string;
  /** For a difference: the token whose logit is subtracted. */
  against?: number;
  againstText?: string;
  /** For a routing decision. */
  layer?: number;
  stack?: Stack;
  module?: string;
  expert?: number;
}

/**
 * `noising`: the clean prompt runs with activations of the corrupted one patched in; effects are relative to the clean
 * run. `denoising`: the reverse.
 */
export type PatchDirection = 'noising' | 'denoising';

/** The document that `moe-debugger circuit --json` prints. */
export interface CircuitDocument {
  schema: 'moe-debugger/circuit@1';
  model: string;
  clean: Token[];
  /** Tokens of the corrupted prompt, or the kind of its embeddings. */
  corrupted: Token[] | 'zero' | 'mean';
  target: CircuitTarget;
  direction: PatchDirection;
  /** The target in both runs. */
  values: { clean: number; corrupted: number };
  /** By rank. */
  nodes: CircuitNode[];
  /** Strongest first. Empty without edges. */
  edges: CircuitEdge[];
  /** Number of weaker edges omitted from the document. */
  edgesLeftOut: number;
  /** Absolute effect below which edges (without edges: nodes) are not part of the circuit. */
  threshold: number;
  faithfulness?: CircuitFaithfulness;
  /** Of first-order with measured effects: for nodes at single tokens, and for nodes at all tokens. */
  correlation?: { cells?: CircuitCorrelation; nodes?: CircuitCorrelation };
  /** Notes about how the results were obtained. */
  notes: string[];
}

/** A circuit without its weak edges. */
export interface PrunedCircuit {
  nodes: CircuitNode[];
  edges: CircuitEdge[];
}

/** Absolute first-order effect. */
export function effectStrength({
  effect
}: Pick<CircuitNode, 'effect'>): number {
  return Math.abs(effect ?? 0);
}

/**
 * The edges of at least a given strength that lie on a path to the last node, and their nodes; for a document without
 * edges, the nodes of at least that strength.
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
  // Edges lead to higher ranks, so in descending order each node is settled before those that it reads.
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

/** The threshold that leaves a given number of edges; without edges, of nodes. */
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
