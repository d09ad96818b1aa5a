/** What holds for every good drawing of a graph, found from the drawing alone. */
import type { DrawnGraph, GraphLayout } from '../src/base/charts';

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Rounding of positions. */
const EPSILON = 0.01;
const SAMPLES = 16;

/** Pairs of boxes that cover each other somewhere. */
export function overlaps(boxes: readonly Box[]): [number, number][] {
  return boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .flatMap((b, j): [number, number][] =>
        Math.abs(a.x - b.x) < (a.width + b.width) / 2 - EPSILON &&
        Math.abs(a.y - b.y) < (a.height + b.height) / 2 - EPSILON
          ? [[i, i + 1 + j]]
          : []
      )
  );
}

/** Edges and the nodes, neither their start nor their end, that they run through. */
export function crossedNodes(
  graph: DrawnGraph,
  { nodes, edges }: GraphLayout
): [number, number][] {
  return edges.flatMap(({ points }, edge) => {
    const { from, to } = graph.edges[edge];
    const way = samples(points);
    return nodes.flatMap(({ x, y, width, height }, node): [number, number][] =>
      node !== from &&
      node !== to &&
      way.some(
        point =>
          Math.abs(point.x - x) < width / 2 - EPSILON &&
          Math.abs(point.y - y) < height / 2 - EPSILON
      )
        ? [[edge, node]]
        : []
    );
  });
}

/** Edges whose ends are not at the top of their start and at the bottom of their target. */
export function looseEdges(
  graph: DrawnGraph,
  { nodes, edges }: GraphLayout
): number[] {
  return edges.flatMap(({ points }, edge) => {
    const [from, to] = [
      nodes[graph.edges[edge].from],
      nodes[graph.edges[edge].to]
    ];
    const [first, last] = [points[0], points[points.length - 1]];
    const gaps = [
      first.x - from.x,
      first.y - (from.y - from.height / 2),
      last.x - to.x,
      last.y - (to.y + to.height / 2)
    ];
    return gaps.every(gap => Math.abs(gap) < EPSILON) ? [] : [edge];
  });
}

/** Pairs of nodes of which the one of lower rank is not drawn lower. */
export function misplacedRanks(
  graph: DrawnGraph,
  { nodes }: GraphLayout
): [number, number][] {
  return graph.nodes.flatMap((a, i) =>
    graph.nodes.flatMap((b, j): [number, number][] =>
      a.rank < b.rank &&
      nodes[i].y - nodes[i].height / 2 <
        nodes[j].y + nodes[j].height / 2 + EPSILON
        ? [[i, j]]
        : []
    )
  );
}

/** Nodes that stick out of the picture. */
export function outside({ width, height, nodes }: GraphLayout): number[] {
  return nodes.flatMap((node, i) =>
    node.x - node.width / 2 < -EPSILON ||
    node.x + node.width / 2 > width + EPSILON ||
    node.y - node.height / 2 < -EPSILON ||
    node.y + node.height / 2 > height + EPSILON
      ? [i]
      : []
  );
}

/** Points along straight parts, and along the curves from one to the next, whose ends are upright. */
function samples(
  points: readonly { x: number; y: number }[]
): { x: number; y: number }[] {
  return points.slice(1).flatMap((end, i) => {
    const start = points[i];
    const middle = (start.y + end.y) / 2;
    return Array.from({ length: SAMPLES + 1 }, (_, step) => {
      const t = step / SAMPLES;
      const along = (a: number, b: number, c: number, d: number): number =>
        (1 - t) ** 3 * a +
        3 * (1 - t) ** 2 * t * b +
        3 * (1 - t) * t ** 2 * c +
        t ** 3 * d;
      return i % 2 === 0
        ? {
            x: start.x + t * (end.x - start.x),
            y: start.y + t * (end.y - start.y)
          }
        : {
            x: along(start.x, start.x, end.x, end.x),
            y: along(start.y, middle, middle, end.y)
          };
    });
  });
}
