/** A circuit as DOT, as Mermaid, and as a picture in columns. */
import { layoutCircuit, type PlacedNode } from '../charts';
import {
  writeDot,
  writeMermaid,
  type DrawnGraph
} from '../display/drawn-graph';
import {
  effectStrength,
  pruneCircuit,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitNode,
  type PrunedCircuit
} from '../protocol';
import { escapeHtml } from '../report/escape-html';
import { describeTarget } from './describe';

export interface CircuitDrawingOptions {
  /** The weakest effect that is drawn; the circuit's own unless given. */
  threshold?: number;
  /** Edges after this many are left out, the weakest first, and the drawing says so. */
  maxEdges?: number;
}

/** Mermaid draws no more than 500 edges, and people read fewer. */
const MOST_MERMAID_EDGES = 80;
/** A picture of more is a blot. */
const MOST_PICTURE_EDGES = 300;

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
  const { nodes, edges, links, leftOut } = selected(data, options);
  const index = new Map(nodes.map(({ id }, i) => [id, i]));
  return {
    name: 'circuit',
    title: [
      describeTarget(data.target),
      ...(leftOut > 0 ? [`${leftOut} weaker edges left out`] : [])
    ].join('; '),
    nodes: nodes.map(node => ({
      lines: nodeLines(node),
      strong: node.kind === 'embedding' || isLast(node, data)
    })),
    edges: [
      ...edges.map(edge => ({
        from: index.get(edge.from)!,
        to: index.get(edge.to)!,
        label: edgeText(edge),
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
function selected(
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

export function edgeText({ input, effect }: CircuitEdge): string {
  return `${input ? `${input} ` : ''}${effect.toPrecision(3)}`;
}

function nodeLines({ id, effect, patched }: CircuitNode): string[] {
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

const BOX = { width: 140, height: 30 };
const WIDEST = 6;
const POSITIVE = '#0b6e99';
const NEGATIVE = '#d1242f';

/** The circuit as SVG; text is escaped, nothing is loaded. */
export function circuitSvg(
  data: CircuitDocument,
  options: CircuitDrawingOptions = {}
): string {
  const kept = selected(data, { maxEdges: MOST_PICTURE_EDGES, ...options });
  const plan = layoutCircuit(kept);
  const strongest = Math.max(
    ...(kept.edges.length > 0 ? kept.edges : kept.nodes).map(effectStrength),
    Number.MIN_VALUE
  );
  const line = (from: PlacedNode, to: PlacedNode): string => {
    const [x1, x2] = [from.x + BOX.width / 2, to.x - BOX.width / 2];
    const middle = (x1 + x2) / 2;
    return `d="M${x1} ${from.y} C${middle} ${from.y} ${middle} ${to.y} ${x2} ${to.y}" fill="none"`;
  };
  return [
    `<svg class="circuit" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${plan.width} ${Math.max(plan.height, BOX.height)}" width="${plan.width}" role="img" aria-label="${escapeHtml(`circuit of ${describeTarget(data.target)}`)}" font-family="sans-serif" font-size="11">`,
    ...plan.links.map(
      ({ from, to }) =>
        `<path ${line(from, to)} stroke="#888" stroke-dasharray="3 3"/>`
    ),
    ...plan.edges.map(
      ({ edge, from, to }) =>
        `<path ${line(from, to)} stroke="${edge.effect < 0 ? NEGATIVE : POSITIVE}" stroke-width="${(0.5 + (WIDEST * effectStrength(edge)) / strongest).toFixed(2)}" stroke-opacity="0.7"><title>${escapeHtml(`${edge.from} > ${edge.to}: ${edgeText(edge)}`)}</title></path>`
    ),
    ...plan.nodes.map(
      ({ node, x, y }) =>
        `<g><title>${escapeHtml(nodeLines(node).join('; '))}</title><rect x="${x - BOX.width / 2}" y="${y - BOX.height / 2}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="#fff" stroke="#59636e"/><text x="${x}" y="${y + 4}" text-anchor="middle" fill="#1f2328">${escapeHtml(node.id)}</text></g>`
    ),
    '</svg>'
  ].join('');
}
