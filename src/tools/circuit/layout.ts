import type { CircuitNode } from 'moe-debugger/protocol';

/** A node in the picture. */
export interface IPlacedNode {
  node: CircuitNode;
  label: string;
  /** Its middle. */
  x: number;
  y: number;
  width: number;
}

/** The parts of a layer that read the stream together. */
export interface IRow {
  layer: number | undefined;
  kind: RowKind;
  /** Top and bottom of the band behind it. */
  top: number;
  bottom: number;
  nodes: IPlacedNode[];
}

export interface ICircuitLayout {
  height: number;
  /** From the target, at the top, down to the embeddings. */
  rows: IRow[];
  nodes: ReadonlyMap<string, IPlacedNode>;
}

export type RowKind = 'embedding' | 'attention' | 'experts' | 'stream' | 'end';

export const NODE_HEIGHT = 18;
/** Left of the nodes, for the names of rows. */
export const GUTTER = 66;
const GAP = 6;
/** Beyond it, rows look torn. */
const WIDEST_GAP = 44;
const LINE = 24;
const BETWEEN_ROWS = 16;
const LETTER = 6.4;
const MOST_LETTERS = 10;

/**
 * Stacks nodes in rows, one for each place at which the stream is read, layers upward. A row that is wider than the
 * picture is broken into lines, so that a narrow panel makes it taller and never wider.
 *
 * @param width of the picture, in pixels
 */
export function layoutRows(
  nodes: readonly CircuitNode[],
  width: number
): ICircuitLayout {
  const groups = new Map<string, CircuitNode[]>();
  for (const node of [...nodes].sort(inOrder)) {
    const key = [rowKind(node), node.stack, node.layer].join('/');
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  const gap = evenGap([...groups.values()], width);
  const placed = new Map<string, IPlacedNode>();
  let y = BETWEEN_ROWS / 2;
  const rows = [...groups.values()]
    .sort(([a], [b]) => b.rank - a.rank)
    .map((members): IRow => {
      const top = y;
      const own = placeRow(members, width, top, gap);
      own.forEach(node => placed.set(node.node.id, node));
      const bottom = own[own.length - 1].y + LINE / 2;
      y = bottom + BETWEEN_ROWS;
      return {
        layer: members[0].layer,
        kind: rowKind(members[0]),
        top,
        bottom,
        nodes: own
      };
    });
  return { height: y - BETWEEN_ROWS / 2, rows, nodes: placed };
}

/** The way of an edge: upward, from the top of what writes to the bottom of what reads. */
export function edgePath(from: IPlacedNode, to: IPlacedNode): string {
  const y1 = from.y - NODE_HEIGHT / 2;
  const y2 = to.y + NODE_HEIGHT / 2;
  const bend = Math.max(12, Math.abs(y1 - y2) / 2);
  return `M${from.x} ${y1}C${from.x} ${y1 - bend} ${to.x} ${y2 + bend} ${to.x} ${y2}`;
}

/** The distance at which the widest row still fits, the same in all rows: one part stands above its like. */
function evenGap(
  rows: readonly (readonly CircuitNode[])[],
  width: number
): number {
  return rows.reduce((least, row) => {
    const free =
      width - GUTTER - row.reduce((sum, node) => sum + nodeWidth(node), 0);
    // Half a gap more, by which rows of heads are set in.
    return Math.max(GAP, Math.min(least, Math.floor(free / row.length)));
  }, WIDEST_GAP);
}

function placeRow(
  members: readonly CircuitNode[],
  width: number,
  top: number,
  gap: number
): IPlacedNode[] {
  // Set in, so that edges do not run through the row above.
  const start =
    GUTTER + (rowKind(members[0]) === 'attention' && gap > GAP ? gap / 2 : 0);
  let x = start;
  let y = top + LINE / 2;
  return members.map(node => {
    const own = nodeWidth(node);
    if (x > start && x + own > width) {
      x = start;
      y += LINE;
    }
    const middle = x + own / 2;
    x += own + gap;
    return { node, label: nodeLabel(node), x: middle, y, width: own };
  });
}

function nodeWidth(node: CircuitNode): number {
  return Math.max(NODE_HEIGHT, 8 + LETTER * nodeLabel(node).length);
}

function inOrder(a: CircuitNode, b: CircuitNode): number {
  return a.rank - b.rank || (a.index ?? -1) - (b.index ?? -1);
}

function rowKind({ kind }: CircuitNode): RowKind {
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

/** Short, since the row says the layer. */
function nodeLabel({ kind, index }: CircuitNode): string {
  const label =
    (kind === 'head' || kind === 'expert') && index !== undefined
      ? String(index)
      : kind;
  return label.slice(0, MOST_LETTERS);
}
