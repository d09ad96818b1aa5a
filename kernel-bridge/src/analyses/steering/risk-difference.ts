/** SteerMoE (arXiv 2509.09660): experts that one set of prompts takes more often than another, and biases from that. */
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  type RouterPlace,
  type RoutingSample
} from '../../base/protocol';

export interface RiskDifference extends RouterPlace {
  expert: number;
  /** a1 / (a1 + d1) - a2 / (a2 + d2): token rate in the first set minus that in the second, from -1 to 1. */
  difference: number;
  /** Tokens that select the expert, and all tokens, of each set. */
  activated: [number, number];
  tokens: [number, number];
}

/**
 * @param first and `second`: routing of the two sets by one model
 * @returns every expert of every router, by descending absolute difference
 * @throws MoEDebuggerError 'input' when a set is empty or the models differ
 */
export function riskDifferences(
  first: { samples: readonly RoutingSample[] },
  second: { samples: readonly RoutingSample[] }
): RiskDifference[] {
  const [a, b] = [count(first.samples), count(second.samples)];
  if (
    a.length !== b.length ||
    a.some(({ counts }, i) => counts.length !== b[i].counts.length)
  ) {
    throw new MoEDebuggerError('input', 'the traces are of different models', {
      hint: 'trace both sets of prompts with one model'
    });
  }
  return a
    .flatMap(({ place, counts, tokens }, router) =>
      counts.map((activated, expert) => {
        const other = b[router];
        return {
          ...place,
          expert,
          difference: activated / tokens - other.counts[expert] / other.tokens,
          activated: [activated, other.counts[expert]] as [number, number],
          tokens: [tokens, other.tokens] as [number, number]
        };
      })
    )
    .sort((x, y) => Math.abs(y.difference) - Math.abs(x.difference));
}

export interface RiskSteering {
  /** Number of experts to promote or demote, by descending absolute difference. */
  count: number;
  /** Added to the logits of experts that the first set selects more often, and subtracted from the others'. */
  strength: number;
}

/** Edits that bias routing towards the first set; a negative strength biases it away. */
export function riskSteering(
  differences: readonly RiskDifference[],
  { count: wanted, strength }: RiskSteering
): Pick<Edits, 'bias'> {
  return {
    bias: differences
      .slice(0, wanted)
      .filter(({ difference }) => difference !== 0)
      .map(({ layer, stack, module, expert, difference }) => ({
        layer,
        ...(stack ? { stack } : {}),
        ...(module ? { module } : {}),
        expert,
        value: Math.sign(difference) * strength
      }))
  };
}

interface Counts {
  place: RouterPlace;
  /** [experts]: tokens that select each. */
  counts: number[];
  tokens: number;
}

function count(samples: readonly RoutingSample[]): Counts[] {
  const totals: Counts[] = [];
  for (const { layers } of samples) {
    layers.forEach((own, router) => {
      const { layer, stack, module, experts, topK, selected } = own;
      const total = (totals[router] ??= {
        place: {
          layer,
          ...(stack ? { stack } : {}),
          ...(module ? { module } : {})
        },
        counts: new Array<number>(experts).fill(0),
        tokens: 0
      });
      total.tokens += selected.length / topK;
      for (const expert of selected) {
        if (expert >= 0) {
          total.counts[expert]++;
        }
      }
    });
  }
  const silent = totals.find(({ tokens }) => tokens === 0);
  if (totals.length === 0 || silent) {
    throw new MoEDebuggerError('input', 'the trace has no tokens', {
      where: silent ? layerName(silent.place) : 'risk difference',
      hint: 'give at least one prompt to each set'
    });
  }
  return totals;
}
