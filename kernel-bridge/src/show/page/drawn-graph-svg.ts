/** Draws nodes and edges as SVG, in the colours of the page. */
import {
  edgePath,
  edgeWidth,
  layoutGraph,
  LINE_HEIGHT,
  type DrawnEdge,
  type DrawnGraph,
  type DrawnNode,
  type PlacedEdge,
  type PlacedGroup,
  type PlacedNode
} from '../../base/charts';
import { escapeHtml } from './escape-html';

/** Width of a page's text. */
const MAX_WIDTH = 880;
const MARGIN = 4;

/** Light colours, for programs that know no variables, and outside a page; and the variables of a page. */
const COLORS = {
  paper: ['#fff', '--back'],
  ink: ['#1f2328', '--text'],
  pale: ['#59636e', '--dim'],
  up: ['#0b6e99', '--load'],
  down: ['#d1242f', '--none']
} as const;

/** A program that cannot read the second declaration keeps the first. */
function color(property: 'fill' | 'stroke', name: keyof typeof COLORS): string {
  const [literal, variable] = COLORS[name];
  return `${property}: ${literal}; ${property}: var(${variable}, ${literal})`;
}

const STYLE = `
svg.graph text { ${color('fill', 'ink')}; text-anchor: middle; }
svg.graph rect { ${color('fill', 'paper')}; ${color('stroke', 'pale')}; }
svg.graph .strong rect { stroke-width: 2; }
svg.graph .group path { ${color('fill', 'pale')}; opacity: 0.1; }
svg.graph .group text { ${color('fill', 'pale')}; text-anchor: start; }
svg.graph .edge path { fill: none; ${color('stroke', 'pale')}; }
svg.graph .edge text { ${color('fill', 'pale')}; paint-order: stroke; ${color('stroke', 'paper')}; stroke-width: 3px; }
svg.graph .dashed path { stroke-dasharray: 4 3; }
svg.graph .up path { ${color('stroke', 'up')}; stroke-opacity: 0.7; }
svg.graph .down path { ${color('stroke', 'down')}; stroke-opacity: 0.7; }
svg.graph marker path { ${color('fill', 'pale')}; }
`.replace(/\n/g, '');
const ARROW =
  '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>';

/** The drawing, with its first row at the bottom. All text is escaped, and nothing is loaded. */
export function drawnGraphSvg(graph: DrawnGraph): string {
  const { width, height, groups, nodes, edges } = layoutGraph(graph)(MAX_WIDTH);
  const labelled = graph.edgesShow === 'labels';
  return [
    `<svg class="graph" xmlns="http://www.w3.org/2000/svg" viewBox="${-MARGIN} 0 ${Math.ceil(width) + 2 * MARGIN} ${Math.ceil(height)}" width="${Math.ceil(width) + 2 * MARGIN}" role="img" aria-label="${escapeHtml(graph.title)}" font-family="sans-serif" font-size="11">`,
    `<style>${STYLE}</style>`,
    labelled ? ARROW : '',
    ...groups.map(group => band(group, width)),
    ...edges.map((edge, i) => line(graph.edges[i], edge, labelled)),
    ...nodes.map((node, i) => box(graph.nodes[i], node)),
    '</svg>'
  ].join('');
}

function band({ name, top, bottom }: PlacedGroup, width: number): string {
  return `<g class="group"><path d="M0 ${top}H${width}V${bottom}H0z"/><text x="4" y="${bottom - 9}">${escapeHtml(name)}</text></g>`;
}

function line(edge: DrawnEdge, placed: PlacedEdge, labelled: boolean): string {
  const { dashed, weight, label } = edge;
  const path = `<path d="${edgePath(placed)}"`;
  const text = escapeHtml(label);
  return [
    `<g class="edge${dashed ? ' dashed' : ''}${weight === undefined ? '' : weight < 0 ? ' down' : ' up'}">`,
    labelled
      ? `${path} marker-end="url(#arrow)"/>`
      : `${path} stroke-width="${edgeWidth(edge).toFixed(2)}"><title>${text}</title></path>`,
    placed.label
      ? `<text x="${placed.label.x}" y="${placed.label.y + 4}">${text}</text>`
      : '',
    '</g>'
  ].join('');
}

function box(
  { strong, details, lines: whole }: DrawnNode,
  { x, y, width, height, lines }: PlacedNode
): string {
  const top = y - (lines.length * LINE_HEIGHT) / 2;
  return [
    `<g${strong ? ' class="strong"' : ''}><title>${escapeHtml([...whole, ...details].join('; '))}</title>`,
    `<rect x="${x - width / 2}" y="${y - height / 2}" width="${width}" height="${height}" rx="5"/>`,
    ...lines.map(
      (text, i) =>
        `<text x="${x}" y="${top + LINE_HEIGHT * (i + 1) - 3}">${escapeHtml(text)}</text>`
    ),
    '</g>'
  ].join('');
}
