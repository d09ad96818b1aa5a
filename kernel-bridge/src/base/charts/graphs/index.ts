/** Drawings of nodes and edges: content, layout, and text formats. */
export {
  circuitDot,
  circuitDrawing,
  circuitMermaid,
  circuitPart,
  drawCircuit,
  type CircuitDrawingOptions,
  type CircuitLook,
  type CircuitPart
} from './circuit-graph';
export {
  edgeWidth,
  type DrawnEdge,
  type DrawnGraph,
  type DrawnNode
} from './drawn-graph';
export { LINE_HEIGHT } from './boxes';
export { edgePath } from './edge-path';
export { writeDot, writeMermaid } from './graph-text';
export {
  layoutGraph,
  type GraphLayout,
  type PlacedEdge,
  type PlacedGroup,
  type PlacedNode
} from './layout-graph';
