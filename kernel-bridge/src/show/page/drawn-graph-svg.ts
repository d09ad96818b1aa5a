/** A drawing of nodes and arrows as a picture in columns: each node stands behind all that leads to it. */
import type { DrawnGraph } from '../../base/charts/drawn-graph';
import { escapeHtml } from './escape-html';

const LINE = 14;
const PADDING = 8;
const GAP = { x: 90, y: 14 };
/** Of a letter, in a font of 11 pixels. */
const LETTER = 6.2;
const LONGEST_LINE = 40;

interface Box {
  lines: string[];
  strong: boolean;
  column: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** SVG that loads nothing; all text is escaped. Nodes come before those that they lead to. */
export function drawnGraphSvg({ title, nodes, edges }: DrawnGraph): string {
  const { boxes, width, height } = layOut(nodes, edges);
  // An arrow past a column goes below all nodes, or it would run behind them.
  const bottom = height + LINE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 ${width + 2} ${bottom + LINE}" width="${width}" role="img" aria-label="${escapeHtml(title)}" font-family="sans-serif" font-size="11">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#59636e"/></marker></defs>',
    ...edges.map(({ from, to, label, dashed }) =>
      arrow(
        boxes[from],
        boxes[to],
        Math.abs(boxes[to].column - boxes[from].column) > 1
          ? bottom
          : undefined,
        label,
        dashed
      )
    ),
    ...boxes.map(box),
    '</svg>'
  ].join('');
}

function layOut(
  nodes: DrawnGraph['nodes'],
  edges: DrawnGraph['edges']
): { boxes: Box[]; width: number; height: number } {
  const columnOf = nodes.map(() => 0);
  for (const [i] of nodes.entries()) {
    for (const { from, to } of edges) {
      if (from === i && to > i) {
        columnOf[to] = Math.max(columnOf[to], columnOf[i] + 1);
      }
    }
  }
  const boxes = nodes.map(({ lines, strong }, i): Box => {
    const shown = lines.map(line =>
      line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line
    );
    const letters = Math.max(4, ...shown.map(({ length }) => length));
    return {
      lines: shown,
      strong,
      column: columnOf[i],
      x: 0,
      y: 0,
      width: Math.ceil(letters * LETTER) + 2 * PADDING,
      height: shown.length * LINE + PADDING
    };
  });
  const columns = Array.from(
    { length: Math.max(0, ...columnOf) + 1 },
    (_, column) => boxes.filter(own => own.column === column)
  );
  let x = 0;
  let height = 0;
  for (const column of columns) {
    let y = 0;
    for (const own of column) {
      Object.assign(own, { x, y });
      y += own.height + GAP.y;
    }
    height = Math.max(height, y);
    x += Math.max(0, ...column.map(own => own.width)) + GAP.x;
  }
  return { boxes, width: x - GAP.x, height };
}

/** @param by how low its middle is; straight on when absent */
function arrow(
  from: Box,
  to: Box,
  by: number | undefined,
  label: string,
  dashed: boolean
): string {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const middle = (x1 + x2) / 2;
  const [own, other] =
    by === undefined
      ? [y1, y2]
      : // The middle of a cubic curve is an eighth of its ends and three eighths of its controls.
        new Array<number>(2).fill((by - (y1 + y2) / 8) / 0.75);
  return [
    `<path d="M${x1} ${y1} C${middle} ${own} ${middle} ${other} ${x2} ${y2}" fill="none" stroke="#59636e" stroke-opacity="0.7"${dashed ? ' stroke-dasharray="4 3"' : ''} marker-end="url(#arrow)"/>`,
    `<text x="${middle}" y="${(by ?? (y1 + y2) / 2) - 3}" text-anchor="middle" fill="#59636e">${escapeHtml(label)}</text>`
  ].join('');
}

function box({ lines, strong, x, y, width, height }: Box): string {
  return [
    `<g><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5" fill="#fff" stroke="#59636e" stroke-width="${strong ? 2 : 1}"/>`,
    ...lines.map(
      (line, i) =>
        `<text x="${x + width / 2}" y="${y + PADDING / 2 + LINE * (i + 1) - 4}" text-anchor="middle" fill="#1f2328">${escapeHtml(line)}</text>`
    ),
    '</g>'
  ].join('');
}
