import type { PlacedEdge } from './layout-graph';

/** The `d` attribute of an edge's SVG path. */
export function edgePath({ points }: PlacedEdge): string {
  return points
    .map(({ x, y }, i) => {
      if (i % 2 === 1) {
        // A segment of zero length would rotate the arrowhead.
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
