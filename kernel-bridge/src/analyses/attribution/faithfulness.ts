/**
 * Deletion and insertion curves (Petsiuk et al. 2018, arXiv:1806.07421) of an order of tokens, next to those of random
 * orders.
 */
import { drawn, randomNumbers } from '../../base/statistics/random';
import { mean, sampleDeviation } from '../../base/statistics/summary';
import type { Faithfulness } from '../../base/protocol';

/** Runs variants in which some tokens keep their embeddings and the rest get the baseline's. @returns their targets */
export type RunKept = (kept: readonly boolean[][]) => Promise<number[]>;

const RANDOM_ORDERS = 8;
/** Points per curve. */
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
    ...Array.from({ length: RANDOM_ORDERS }, () => drawn(own, tokens, random))
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
      deletionDeviation: sampleDeviation(deletions),
      insertionMean: mean(insertions),
      insertionDeviation: sampleDeviation(insertions)
    }
  };
}
