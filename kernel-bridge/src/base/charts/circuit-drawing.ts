/** A circuit as DOT and as Mermaid. */
import {
  circuitEdgeText,
  describeCircuitTarget,
  effectStrength,
  pruneCircuit,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitNode,
  type PrunedCircuit
} from '../protocol';
import { writeDot, writeMermaid, type DrawnGraph } from './drawn-graph';

export interface CircuitDrawingOptions {
  /** The weakest effect that is drawn; the circuit's own unless given. */
  threshold?: number;
  /** Edges after this many are left out, the weakest first, and the drawing says so. */
  maxEdges?: number;
}

/** Mermaid draws no more than 500 edges, and people read fewer. */
const MOST_MERMAID_EDGES = 80;

export function circuitDot(
  data: CircuitDocument,
  options: CircuitDrawingOptions = {}
): string {
  return writeDot(drawn(data, { maxEdges: Infinity, ...options }));
}

export function circuitMermaid(
  data: CircuitDocument,
  options: CircuitDrawingOptions = {}
): string {
  return writeMermaid(
    drawn(data, { maxEdges: MOST_MERMAID_EDGES, ...options })
  );
}

function drawn(
  data: CircuitDocument,
  options: CircuitDrawingOptions
): DrawnGraph {
  const { nodes, edges, links, leftOut } = drawnCircuit(data, options);
  const index = new Map(nodes.map(({ id }, i) => [id, i]));
  return {
    name: 'circuit',
    title: [
      describeCircuitTarget(data.target),
      ...(leftOut > 0 ? [`${leftOut} weaker edges left out`] : [])
    ].join('; '),
    nodes: nodes.map(node => ({
      lines: circuitNodeLines(node),
      strong: node.kind === 'embedding' || isLast(node, data)
    })),
    edges: [
      ...edges.map(edge => ({
        from: index.get(edge.from)!,
        to: index.get(edge.to)!,
        label: circuitEdgeText(edge),
        dashed: false
      })),
      ...links.map(({ from, to }) => ({
        from: index.get(from)!,
        to: index.get(to)!,
        label: 'part',
        dashed: true
      }))
    ]
  };
}

/** What is drawn of a circuit. */
export function drawnCircuit(
  data: CircuitDocument,
  {
    threshold = data.threshold,
    maxEdges = MOST_MERMAID_EDGES
  }: CircuitDrawingOptions
): PrunedCircuit & {
  links: { from: string; to: string }[];
  leftOut: number;
} {
  const all = pruneCircuit(data, threshold);
  const weakest = [...all.edges].sort(
    (a, b) => effectStrength(b) - effectStrength(a)
  )[Math.max(maxEdges, 0)];
  const kept =
    weakest === undefined
      ? all
      : pruneCircuit(
          data,
          // Those that are as weak as the first that is left out go with it.
          nextAbove(effectStrength(weakest), all.edges)
        );
  const there = new Set(kept.nodes.map(({ id }) => id));
  return {
    ...kept,
    leftOut: all.edges.length - kept.edges.length,
    links: kept.nodes.flatMap(({ id, within }) =>
      within !== undefined && there.has(within)
        ? [{ from: within, to: id }]
        : []
    )
  };
}

function nextAbove(effect: number, edges: readonly CircuitEdge[]): number {
  return edges
    .map(effectStrength)
    .reduce(
      (least, own) => (own > effect && own < least ? own : least),
      Number.MAX_VALUE
    );
}

export function circuitNodeLines({
  id,
  effect,
  patched
}: CircuitNode): string[] {
  return [
    id,
    ...(effect === null ? [] : [`effect ${effect.toPrecision(3)}`]),
    ...(patched === undefined || patched === null
      ? []
      : [`measured ${patched.toPrecision(3)}`])
  ];
}

function isLast({ rank }: CircuitNode, { nodes }: CircuitDocument): boolean {
  return nodes.every(other => other.rank <= rank);
}
