/** A change of tokens that is no format: what a format's change is compared with. */
import { drawn } from '../../base/statistics/random';

/** How many tokens a variant lacks of a text, and how many it has that the text lacks, whatever their order. */
export interface ChangeSize {
  removed: number;
  added: number;
}

export function changeSize(
  text: readonly number[],
  variant: readonly number[]
): ChangeSize {
  const left = new Map<number, number>();
  for (const id of text) {
    left.set(id, (left.get(id) ?? 0) + 1);
  }
  let kept = 0;
  for (const id of variant) {
    const count = left.get(id) ?? 0;
    if (count > 0) {
      left.set(id, count - 1);
      kept++;
    }
  }
  return { removed: text.length - kept, added: variant.length - kept };
}

/**
 * Removes as many random tokens, and adds as many tokens of other text at random places.
 *
 * @param fixed tokens at the start that stay, such as a start token
 * @param pool tokens that may be added, each as often as it occurs
 */
export function changedArbitrarily(
  ids: readonly number[],
  { removed, added }: ChangeSize,
  fixed: number,
  pool: readonly number[],
  random: () => number
): number[] {
  const free = ids.slice(fixed);
  const gone = new Set(
    drawn([...free.keys()], Math.min(removed, free.length), random)
  );
  const result: (number | undefined)[] = free.map((id, i) =>
    gone.has(i) ? undefined : id
  );
  const others = Array.from(
    { length: added },
    () => pool[Math.floor(random() * pool.length)]
  );
  // Replacements first, as most changes are; the rest between any two tokens.
  for (const i of gone) {
    result[i] = others.pop();
  }
  for (const id of others) {
    result.splice(Math.floor(random() * (result.length + 1)), 0, id);
  }
  return [
    ...ids.slice(0, fixed),
    ...result.filter((id): id is number => id !== undefined)
  ];
}
