import type { PlacedEdge } from './layout-graph';

/** The way of an edge as the `d` of an SVG path. */
export function edgePath({ points }: PlacedEdge): string {
  return points
    .map(({ x, y }, i) => {
      if (i % 2 === 1) {
        // A part without length would turn the arrowhead.
        return y === points[i - 1].y ? '' : `V${round(y)}`;
      }
      if (i === 0) {
        return `M${round(x)} ${round(y)}`;
      }
      const before = points[i - 1];
      const middle = round((before.y + y) / 2);
      return `C${round(before.x)} ${middle} ${round(x)} ${middle} ${round(x)} ${round(y)}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
