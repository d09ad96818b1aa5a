/**
 * Deletion and insertion curves (Petsiuk et al. 2018, arXiv:1806.07421) of an order of tokens, beside those of random
 * orders.
 */
import { randomNumbers } from '../../base/statistics/random';
import type { Faithfulness } from '../../base/protocol';

/** Runs variants in which some tokens hold their own embeddings and the others the baseline's; their targets. */
export type RunKept = (kept: readonly boolean[][]) => Promise<number[]>;

const RANDOM_ORDERS = 8;
/** Places of a curve that are looked at. */
const PLACES = 16;

export async function measureFaithfulness(
  attributions: readonly number[],
  run: RunKept
): Promise<Faithfulness> {
  const tokens = attributions.length;
  const own = [...attributions.keys()].sort(
    (a, b) => attributions[b] - attributions[a]
  );
  const random = randomNumbers(1);
  const orders = [
    own,
    ...Array.from({ length: RANDOM_ORDERS }, () => shuffled(tokens, random))
  ];
  const places = Math.min(tokens, PLACES);
  const counts = Array.from({ length: places + 1 }, (_, i) =>
    Math.round((i * tokens) / places)
  );
  const values = await run(
    orders.flatMap(order =>
      [false, true].flatMap(kept =>
        counts.map(count => {
          const first = new Set(order.slice(0, count));
          return Array.from({ length: tokens }, (_, t) =>
            first.has(t) ? kept : !kept
          );
        })
      )
    )
  );
  const curves = orders.map((_, i) => {
    const start = 2 * i * counts.length;
    return {
      deletion: values.slice(start, start + counts.length),
      insertion: values.slice(start + counts.length, start + 2 * counts.length)
    };
  });
  const [{ deletion, insertion }, ...others] = curves;
  const deletions = others.map(curve => mean(curve.deletion));
  const insertions = others.map(curve => mean(curve.insertion));
  return {
    counts,
    deletion,
    insertion,
    deletionMean: mean(deletion),
    insertionMean: mean(insertion),
    random: {
      orders: RANDOM_ORDERS,
      deletionMean: mean(deletions),
      deletionDeviation: deviation(deletions),
      insertionMean: mean(insertions),
      insertionDeviation: deviation(insertions)
    }
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** Of a sample: divided by one less than its size. */
function deviation(values: readonly number[]): number {
  const centre = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - centre) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1));
}

function shuffled(length: number, random: () => number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
