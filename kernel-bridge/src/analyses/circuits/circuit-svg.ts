/** A circuit as a picture in columns. */
import {
  circuitNodeLines,
  drawnCircuit,
  layoutCircuit,
  type CircuitDrawingOptions,
  type PlacedNode
} from '../../base/charts';
import {
  circuitEdgeText,
  describeCircuitTarget,
  effectStrength,
  type CircuitDocument
} from '../../base/protocol';
import { escapeHtml } from '../../show/page/escape-html';

/** A picture of more is a blot. */
const MOST_PICTURE_EDGES = 300;
const BOX = { width: 140, height: 30 };
const WIDEST = 6;
const POSITIVE = '#0b6e99';
const NEGATIVE = '#d1242f';

/** The circuit as SVG; text is escaped, nothing is loaded. */
export function circuitSvg(
  data: CircuitDocument,
  options: CircuitDrawingOptions = {}
): string {
  const kept = drawnCircuit(data, { maxEdges: MOST_PICTURE_EDGES, ...options });
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
    `<svg class="circuit" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${plan.width} ${Math.max(plan.height, BOX.height)}" width="${plan.width}" role="img" aria-label="${escapeHtml(`circuit of ${describeCircuitTarget(data.target)}`)}" font-family="sans-serif" font-size="11">`,
    ...plan.links.map(
      ({ from, to }) =>
        `<path ${line(from, to)} stroke="#888" stroke-dasharray="3 3"/>`
    ),
    ...plan.edges.map(
      ({ edge, from, to }) =>
        `<path ${line(from, to)} stroke="${edge.effect < 0 ? NEGATIVE : POSITIVE}" stroke-width="${(0.5 + (WIDEST * effectStrength(edge)) / strongest).toFixed(2)}" stroke-opacity="0.7"><title>${escapeHtml(`${edge.from} > ${edge.to}: ${circuitEdgeText(edge)}`)}</title></path>`
    ),
    ...plan.nodes.map(
      ({ node, x, y }) =>
        `<g><title>${escapeHtml(circuitNodeLines(node).join('; '))}</title><rect x="${x - BOX.width / 2}" y="${y - BOX.height / 2}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="#fff" stroke="#59636e"/><text x="${x}" y="${y + 4}" text-anchor="middle" fill="#1f2328">${escapeHtml(node.id)}</text></g>`
    ),
    '</svg>'
  ].join('');
}
