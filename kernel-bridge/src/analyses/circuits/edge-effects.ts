/**
 * Edge attribution patching (Syed et al. 2023, arXiv:2310.10348): the first-order change of the target when a single
 * reader gets one source's value from the other run: (other output - own output) times the gradient by the reader's
 * input.
 */
import {
  between,
  meanGradients,
  type FirstOrderOptions
} from '../patching/first-order';
import type { TwoRuns } from '../patching/two-runs';
import { edgeGraph, type Reader } from './edge-graph';

/** By index of source and reader. */
export interface EdgeEffect {
  source: number;
  reader: number;
  effect: number;
}

export interface EdgeEffects {
  readers: Reader[];
  edges: EdgeEffect[];
}

export async function edgeEffects(
  runs: TwoRuns,
  options: FirstOrderOptions
): Promise<EdgeEffects> {
  const { layout, sources } = runs;
  const { readers, derived, target } = edgeGraph(layout, sources, {
    exchanges: false
  });
  const slopes = await meanGradients(
    runs,
    readers.map(({ tensor }) => tensor),
    options,
    { ...derived, target }
  );
  const { base, other } = between(runs, options.direction);
  const edges: EdgeEffect[] = [];
  sources.forEach(({ branch }, source) => {
    const change = Float64Array.from(
      other.added[source],
      (x, i) => x - base.added[source][i]
    );
    readers.forEach(({ state, tensor }, reader) => {
      const slope = slopes.get(tensor);
      if (branch < state && slope) {
        let effect = 0;
        for (let i = 0; i < change.length; i++) {
          effect += change[i] * slope[i];
        }
        edges.push({ source, reader, effect });
      }
    });
  });
  return {
    readers,
    edges: edges.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
  };
}
