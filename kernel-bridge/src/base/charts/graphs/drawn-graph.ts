/** Content of a drawing of nodes and edges, independent of its format: SVG, DOT, Mermaid or the page's own view. */
export interface DrawnGraph {
  /** Name of the DOT drawing: letters only. */
  name: string;
  title: string;
  /** How pictures show edges: by label and arrowhead, or by width and colour. */
  edgesShow: 'labels' | 'weights';
  /** Names of the nodes' groups, such as layers. Empty for a group without a name. */
  groups: string[];
  nodes: DrawnNode[];
  edges: DrawnEdge[];
}

export interface DrawnNode {
  /** The text in the box. */
  lines: string[];
  /** Further lines, shown as a tooltip in pictures. */
  details: string[];
  /** Nodes of a rank share a row; edges lead to higher ranks. */
  rank: number;
  /** Index of its group. */
  group: number;
  strong: boolean;
}

export interface DrawnEdge {
  /** Indices of nodes. */
  from: number;
  to: number;
  label: string;
  dashed: boolean;
  /** Effect relative to the strongest, from -1 to 1. Absent for an edge without an effect. */
  weight?: number;
}

/** Line width of an edge, in pixels. */
export function edgeWidth({ weight }: DrawnEdge): number {
  return weight === undefined
    ? 1
    : THINNEST + (WIDEST - THINNEST) * Math.abs(weight);
}

const THINNEST = 0.5;
const WIDEST = 6;
