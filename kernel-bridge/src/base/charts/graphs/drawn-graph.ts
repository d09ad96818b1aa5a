/** What a drawing of a graph shows, whatever draws it: a picture, DOT, Mermaid or the page's own view. */
export interface DrawnGraph {
  /** Of the drawing in DOT: a word of letters. */
  name: string;
  title: string;
  /** How pictures tell what an edge says: by its label and an arrowhead, or by its width and colour. */
  edgesShow: 'labels' | 'weights';
  /** Names of what nodes belong to, such as layers. Empty for a group without a name. */
  groups: string[];
  nodes: DrawnNode[];
  edges: DrawnEdge[];
}

export interface DrawnNode {
  /** The text in the box. */
  lines: string[];
  /** Further lines: pictures show them when the box is pointed at. */
  details: string[];
  /** Nodes of a rank stand in one row; edges lead to higher ranks. */
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
  /** Its effect as a share of the strongest, from -1 to 1. Absent for an edge that has none. */
  weight?: number;
}

/** Of the line of an edge, in pixels. */
export function edgeWidth({ weight }: DrawnEdge): number {
  return weight === undefined
    ? 1
    : THINNEST + (WIDEST - THINNEST) * Math.abs(weight);
}

const THINNEST = 0.5;
const WIDEST = 6;
