/** Converts a circuit to a drawing. */
import {
  circuitEdgeText,
  describeCircuitTarget,
  effectStrength,
  pruneCircuit,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitNode,
  type CircuitTarget,
  type PrunedCircuit
} from '../../protocol';
import type { DrawnEdge, DrawnGraph } from './drawn-graph';
import { writeDot, writeMermaid } from './graph-text';

export interface CircuitDrawingOptions {
  /** Smallest absolute effect to draw. Default: the circuit's threshold. */
  threshold?: number;
  /** Maximum number of edges; the weakest are omitted, and the drawing says how many. */
  maxEdges?: number;
}

/** What is drawn of a circuit of a pair of prompts, or of a task. */
export type DrawableCircuit = Pick<
  CircuitDocument,
  'nodes' | 'edges' | 'threshold'
> & { target: CircuitTarget | string };

/** Group of a layer's nodes that share a band. */
export type CircuitPart =
  'embedding' | 'attention' | 'experts' | 'stream' | 'end';

/** Labels and scale of a drawing of a circuit. */
export interface CircuitLook {
  /** Lines of a node: the text in its box, and details. */
  lines(node: CircuitNode): string[];
  details(node: CircuitNode): string[];
  /** Label of a band. */
  groupName(part: CircuitPart, layer: number | undefined): string;
  /** Whether the circuit begins or ends here. */
  isEnd(node: CircuitNode): boolean;
  /** The effect of the widest edge. */
  peak: number;
}

/** Mermaid draws no more than 500 edges, and fewer are legible. */
const MAX_MERMAID_EDGES = 80;

export function circuitDot(
  data: DrawableCircuit,
  options: CircuitDrawingOptions = {}
): string {
  return writeDot(circuitDrawing(data, { maxEdges: Infinity, ...options }));
}

export function circuitMermaid(
  data: DrawableCircuit,
  options: CircuitDrawingOptions = {}
): string {
  return writeMermaid(
    circuitDrawing(data, { maxEdges: MAX_MERMAID_EDGES, ...options })
  );
}

/** Draws the strongest edges of a circuit, with each node's id as its label. */
export function circuitDrawing(
  data: DrawableCircuit,
  { threshold = data.threshold, maxEdges = Infinity }: CircuitDrawingOptions
): DrawnGraph {
  const all = pruneCircuit(data, threshold);
  const kept = strongest(data, all, maxEdges);
  const leftOut = all.edges.length - kept.edges.length;
  const units = kept.edges.length > 0 ? kept.edges : kept.nodes;
  const lastRank = Math.max(...data.nodes.map(({ rank }) => rank));
  return drawCircuit(
    kept,
    [
      typeof data.target === 'string'
        ? data.target
        : describeCircuitTarget(data.target),
      ...(leftOut > 0 ? [`${leftOut} weaker edges left out`] : [])
    ].join('; '),
    {
      lines: ({ id }) => [id],
      details: effectLines,
      groupName: (part, layer) =>
        layer === undefined ? '' : GROUP_NAMES[part](layer),
      isEnd: ({ kind, rank }) => kind === 'embedding' || rank === lastRank,
      peak: Math.max(0, ...units.map(effectStrength))
    }
  );
}

const GROUP_NAMES: Record<CircuitPart, (layer: number) => string> = {
  embedding: String,
  attention: layer => `${layer} attn`,
  experts: layer => `${layer} experts`,
  stream: String,
  end: String
};

/** A circuit as a drawing: its edges in order, then links from nodes that read the stream for others. */
export function drawCircuit(
  { nodes, edges }: PrunedCircuit,
  title: string,
  look: CircuitLook
): DrawnGraph {
  const index = new Map(nodes.map(({ id }, i) => [id, i]));
  const groups = new Map<string, number>();
  const names: string[] = [];
  const groupOf = (node: CircuitNode): number => {
    const part = circuitPart(node);
    const key = [part, node.stack, node.layer].join('/');
    const found = groups.get(key) ?? names.length;
    if (found === names.length) {
      groups.set(key, found);
      names.push(look.groupName(part, node.layer));
    }
    return found;
  };
  return {
    name: 'circuit',
    title,
    edgesShow: 'weights',
    nodes: nodes.map(node => ({
      lines: look.lines(node),
      details: look.details(node),
      rank: node.rank,
      group: groupOf(node),
      strong: look.isEnd(node)
    })),
    groups: names,
    edges: [
      ...edges.map((edge): DrawnEdge => ({
        from: index.get(edge.from)!,
        to: index.get(edge.to)!,
        label: circuitEdgeText(edge),
        dashed: false,
        weight: look.peak === 0 ? 0 : edge.effect / look.peak
      })),
      ...nodes.flatMap(({ within }, to): DrawnEdge[] => {
        const from = within === undefined ? undefined : index.get(within);
        return from === undefined
          ? []
          : [{ from, to, label: 'part', dashed: true }];
      })
    ]
  };
}

export function circuitPart({ kind }: Pick<CircuitNode, 'kind'>): CircuitPart {
  switch (kind) {
    case 'embedding':
      return 'embedding';
    case 'attention':
    case 'head':
      return 'attention';
    case 'moe':
    case 'expert':
    case 'mlp':
    case 'router':
      return 'experts';
    case 'residual':
      return 'stream';
    case 'logits':
      return 'end';
  }
}

/** The circuit without its weakest edges, if there are too many. */
function strongest(
  data: DrawableCircuit,
  all: PrunedCircuit,
  maxEdges: number
): PrunedCircuit {
  const weakest = [...all.edges].sort(
    (a, b) => effectStrength(b) - effectStrength(a)
  )[Math.max(maxEdges, 0)];
  return weakest === undefined
    ? all
    : pruneCircuit(
        data,
        // Edges as weak as the first omitted one are omitted too.
        nextAbove(effectStrength(weakest), all.edges)
      );
}

function nextAbove(effect: number, edges: readonly CircuitEdge[]): number {
  return edges
    .map(effectStrength)
    .reduce(
      (least, own) => (own > effect && own < least ? own : least),
      Number.MAX_VALUE
    );
}

function effectLines({ effect, patched }: CircuitNode): string[] {
  return [
    ...(effect === null ? [] : [`effect ${effect.toPrecision(3)}`]),
    ...(patched === undefined || patched === null
      ? []
      : [`measured ${patched.toPrecision(3)}`])
  ];
}
