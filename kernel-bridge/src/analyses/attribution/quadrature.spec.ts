import { composite, findBreaks } from './path';
import { quadrature } from './quadrature';

const integral = (
  { nodes, weights }: { nodes: number[]; weights: number[] },
  f: (x: number) => number
): number => nodes.reduce((sum, x, i) => sum + weights[i] * f(x), 0);

describe('Gauss-Legendre', () => {
  it('has the nodes and weights of Abramowitz and Stegun, table 25.4', () => {
    // On [-1, 1] there, on [0, 1] here.
    const table: Record<number, [number, number][]> = {
      2: [[0.577350269189626, 1]],
      3: [
        [0, 0.888888888888889],
        [0.774596669241483, 0.555555555555556]
      ],
      5: [
        [0, 0.568888888888889],
        [0.538469310105683, 0.478628670499366],
        [0.906179845938664, 0.236926885056189]
      ],
      16: [
        [0.095012509837637, 0.189450610455069],
        [0.989400934991649, 0.027152459411754]
      ]
    };
    for (const [steps, entries] of Object.entries(table)) {
      const { nodes, weights } = quadrature('gauss-legendre', Number(steps));
      for (const [x, w] of entries) {
        for (const sign of [1, -1]) {
          const i = nodes.findIndex(
            node => Math.abs(2 * node - 1 - sign * x) < 1e-13
          );
          expect(i).toBeGreaterThanOrEqual(0);
          expect(2 * weights[i]).toBeCloseTo(w, 13);
        }
      }
    }
  });

  it.each([1, 2, 7, 64, 300])('is exact for polynomials, %d steps', steps => {
    const rule = quadrature('gauss-legendre', steps);
    for (const power of [0, 1, Math.min(2 * steps - 1, 40)]) {
      expect(integral(rule, x => x ** power)).toBeCloseTo(1 / (power + 1), 12);
    }
    expect(rule.nodes).toEqual([...rule.nodes].sort((a, b) => a - b));
  });
});

it('the midpoint rule takes the middles of equal parts', () => {
  expect(quadrature('midpoint', 4)).toEqual({
    nodes: [0.125, 0.375, 0.625, 0.875],
    weights: [0.25, 0.25, 0.25, 0.25]
  });
});

describe('a path with routing changes', () => {
  const jumps = [0.0003, 0.21, 0.2101, 0.77];
  const routed = (x: number): number => jumps.filter(at => at < x).length;
  const along = (smooth: (at: number) => number) => (places: number[]) =>
    Promise.resolve(
      places.map(at => ({
        at,
        value: smooth(at) + 3 * routed(at),
        routing: Int32Array.of(routed(at), 5)
      }))
    );
  const look = along(at => at ** 2);

  it('is divided at them, and the size of the jumps is reported', async () => {
    const found = await findBreaks(look, 8, 2000);
    expect(found.complete).toBe(true);
    expect(found.jumps).toBeCloseTo(12, 3);
    for (const jump of jumps) {
      expect(
        Math.min(...found.breaks.map(at => Math.abs(at - jump)))
      ).toBeLessThan(1e-3 * jump);
    }
    // The slope 2x, without the jumps, is integrated exactly.
    expect(
      integral(composite('gauss-legendre', 16, found.breaks), x => 2 * x)
    ).toBeCloseTo(1, 12);
  });

  it('reports no jump for a steep slope near the baseline', async () => {
    // Most of the change lies within a millionth of the path, as after a norm.
    const steep = along(at => 100 * at + (40 * at) / (at + 1e-6));
    const found = await findBreaks(steep, 8, 4000);
    expect(found.complete).toBe(true);
    expect(found.jumps).toBeCloseTo(12, 2);
    const { nodes, weights } = composite('gauss-legendre', 16, found.breaks);
    const total = nodes.reduce(
      (sum, at, i) => sum + weights[i] * (100 + 40e-6 / (at + 1e-6) ** 2),
      0
    );
    expect(total).toBeCloseTo(100 + 40 / (1 + 1e-6), 2);
  });

  it('divides the widest intervals first, and reports when the budget is too small', async () => {
    const found = await findBreaks(look, 8, 75);
    expect(found.complete).toBe(false);
    expect(found.breaks.length).toBeGreaterThan(2);
    expect((await findBreaks(look, 8, 12)).complete).toBe(false);
  });
});
