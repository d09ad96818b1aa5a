/** Orders experts so that similar ones are adjacent. */

/**
 * The leaf order of average-linkage clustering (UPGMA; Sokal and Michener 1958); two clusters are joined at their most
 * similar ends.
 *
 * @param similarity [n, n], larger is more similar; symmetrised by the mean, NaN counts as 0
 * @returns a permutation of 0 ... n - 1
 */
export function clusteredOrder(
  similarity: ArrayLike<number>,
  n: number
): number[] {
  const finite = (at: number): number =>
    Number.isFinite(similarity[at]) ? similarity[at] : 0;
  const leaves = Array.from({ length: n }, (_, i) =>
    Float64Array.from(
      { length: n },
      (__, j) => (finite(i * n + j) + finite(j * n + i)) / 2
    )
  );
  const between = leaves.map(row => row.slice());
  const clusters = new Map(Array.from({ length: n }, (_, i) => [i, [i]]));
  while (clusters.size > 1) {
    const [a, b] = mostAlike([...clusters.keys()], between);
    const first = clusters.get(a)!;
    const second = clusters.get(b)!;
    for (const other of clusters.keys()) {
      const mean =
        (first.length * between[a][other] + second.length * between[b][other]) /
        (first.length + second.length);
      between[a][other] = between[other][a] = mean;
    }
    clusters.set(a, joined(first, second, leaves));
    clusters.delete(b);
  }
  return [...clusters.values()][0] ?? [];
}

function mostAlike(
  ids: readonly number[],
  between: readonly Float64Array[]
): [number, number] {
  let best: [number, number] = [ids[0], ids[1]];
  let largest = -Infinity;
  for (let i = 0; i < ids.length; i++) {
    for (let j = i + 1; j < ids.length; j++) {
      const value = between[ids[i]][ids[j]];
      if (value > largest) {
        largest = value;
        best = [ids[i], ids[j]];
      }
    }
  }
  return best;
}

function joined(
  a: readonly number[],
  b: readonly number[],
  alike: readonly Float64Array[]
): number[] {
  const turned = (list: readonly number[]): number[] => [...list].reverse();
  const ways: [number[], number[]][] = [
    [[...a], [...b]],
    [[...a], turned(b)],
    [turned(a), [...b]],
    [turned(a), turned(b)]
  ];
  const seam = ([x, y]: [number[], number[]]): number =>
    alike[x[x.length - 1]][y[0]];
  const [x, y] = ways.reduce((best, way) =>
    seam(way) > seam(best) ? way : best
  );
  return [...x, ...y];
}
