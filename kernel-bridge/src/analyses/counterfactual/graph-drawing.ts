/** A causal graph as Graphviz DOT and Mermaid. */
import {
  tokenLabel,
  writeDot,
  writeMermaid,
  type DrawnGraph
} from '../../base/charts';
import {
  counted,
  layerName,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { editText } from '../../run/edits/edit-text';
import type {
  CausalEdge,
  CausalGraph,
  CausalNode,
  ExpertNode
} from './causal-graph';

export interface DrawingOptions {
  /** Maximum number of edges; the weakest are omitted, and the drawing says how many. */
  maxEdges?: number;
}

const TOKENS_IN_LABEL = 3;
/** Mermaid draws no more than 500 edges, and fewer are legible. */
const MAX_MERMAID_EDGES = 80;

/** @param sample whose tokens the positions refer to */
export function toDot(
  graph: CausalGraph,
  sample: RoutingSample,
  { maxEdges = Infinity }: DrawingOptions = {}
): string {
  return writeDot(drawCausalGraph(graph, sample, maxEdges));
}

export function toMermaid(
  graph: CausalGraph,
  sample: RoutingSample,
  { maxEdges = MAX_MERMAID_EDGES }: DrawingOptions = {}
): string {
  return writeMermaid(drawCausalGraph(graph, sample, maxEdges));
}

/** Legend of a drawing: what arrows and numbers mean. */
export function effectsText({ effects, why, unmeasured }: CausalGraph): string {
  return [
    effects === 'total'
      ? `total effects only: ${why}`
      : 'direct effects, all other routing held; dashed: total effects',
    ...(unmeasured.length === 0
      ? []
      : [`${counted(unmeasured.length, 'expert')} not measured`]),
    '+ tokens that select an expert only with the edits, - only without'
  ].join('; ');
}

/**
 * Direct edges, and total ones where there is no direct one. The edit's direct effect is drawn only where no expert that
 * it acts on has the same effect.
 */
export function drawnEdges({ edges, nodes }: CausalGraph): CausalEdge[] {
  const edited = new Set(
    nodes.flatMap(node =>
      node.kind === 'expert' && node.edited ? node.id : []
    )
  );
  const all = edges.filter(({ effect }) => effect === 'direct');
  const ofEdited = all.filter(({ from }) => edited.has(from));
  const direct = all
    .map(edge =>
      edge.from !== 'edit' || edited.has(edge.to)
        ? edge
        : without(
            edge,
            ofEdited.filter(({ to }) => to === edge.to)
          )
    )
    .filter(
      ({ kl, entered = [], left = [] }) =>
        kl !== undefined || entered.length + left.length > 0
    );
  const explained = new Set(direct.map(({ to }) => to));
  explained.delete('output');
  return [
    ...direct,
    ...edges.filter(
      ({ effect, to }) => effect === 'total' && !explained.has(to)
    )
  ];
}

/** An edge minus what others explain: positions, or an edge to the output as a whole. */
function without(edge: CausalEdge, others: readonly CausalEdge[]): CausalEdge {
  if (edge.kl) {
    return others.length > 0 ? { ...edge, kl: undefined } : edge;
  }
  const rest = (how: 'entered' | 'left'): number[] =>
    (edge[how] ?? []).filter(position =>
      others.every(other => !other[how]?.includes(position))
    );
  return { ...edge, entered: rest('entered'), left: rest('left') };
}

/** Nodes and arrows with their labels; only the strongest edges if there are too many. */
export function drawCausalGraph(
  graph: CausalGraph,
  sample: RoutingSample,
  maxEdges: number
): DrawnGraph {
  const all = drawnEdges(graph);
  const kept = new Set(
    [...all]
      .sort((a, b) => strength(b) - strength(a))
      .slice(0, Math.max(maxEdges, 0))
  );
  const edges = all.filter(edge => kept.has(edge));
  const reached = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const nodes = graph.nodes.filter(
    ({ kind, id }) => kind !== 'expert' || reached.has(id)
  );
  const index = new Map(nodes.map(({ id }, i) => [id, i]));
  // In node order: the edit, experts by layer, the output.
  const rows = [...new Set(nodes.map(rowKey))];
  return {
    name: 'counterfactual',
    title: [
      effectsText(graph),
      ...(edges.length < all.length
        ? [`${all.length - edges.length} weaker edges left out`]
        : [])
    ].join('; '),
    edgesShow: 'labels',
    groups: rows.map(key => (key === 'edit' || key === 'output' ? '' : key)),
    nodes: nodes.map(node => {
      const row = rows.indexOf(rowKey(node));
      return {
        lines: nodeLines(node, sample),
        details: [],
        rank: row,
        group: row,
        strong: node.kind !== 'expert'
      };
    }),
    edges: edges.map(edge => ({
      from: index.get(edge.from)!,
      to: index.get(edge.to)!,
      label: edgeText(edge),
      dashed: edge.effect === 'total'
    }))
  };
}

function rowKey(node: CausalNode): string {
  return node.kind === 'expert' ? layerName(node) : node.kind;
}

/** Ranks edges: those to the output first, by divergence; the others by number of tokens. */
function strength({ kl, entered = [], left = [] }: CausalEdge): number {
  return kl ? 1e9 + (kl.mean ?? Infinity) : entered.length + left.length;
}

export function edgeText({ kl, entered = [], left = [] }: CausalEdge): string {
  if (kl) {
    return `KL ${kl.mean === null ? 'not finite' : kl.mean.toPrecision(2)}`;
  }
  return [
    ...(entered.length > 0 ? [`+${entered.length}`] : []),
    ...(left.length > 0 ? [`-${left.length}`] : [])
  ].join(' ');
}

function nodeLines(node: CausalNode, sample: RoutingSample): string[] {
  switch (node.kind) {
    case 'edit':
      return node.edits.map(editText);
    case 'output':
      return ['output'];
    case 'expert':
      return [
        node.id,
        ...(node.entered.length > 0
          ? [`+ ${tokenList(node, node.entered, sample)}`]
          : []),
        ...(node.left.length > 0
          ? [`- ${tokenList(node, node.left, sample)}`]
          : [])
      ];
  }
}

/** Labels of the first tokens at some positions, and the number of the remaining ones. */
export function tokenList(
  { stack }: Pick<ExpertNode, 'stack'>,
  positions: readonly number[],
  { tokens, encoderTokens = [] }: RoutingSample
): string {
  const byPosition = new Map<number, Token>(
    (stack === 'encoder' ? encoderTokens : tokens).map(token => [
      token.position,
      token
    ])
  );
  const shown = positions
    .slice(0, TOKENS_IN_LABEL)
    .map(position => tokenLabel(byPosition.get(position)!));
  const more = positions.length - shown.length;
  return `${shown.join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}
