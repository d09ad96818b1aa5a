/** The most likely tokens of a distribution. */
import { MoEDebuggerError } from '../../base/errors';
import { logSumExp } from '../../base/statistics/logits';
import type { RankedToken } from '../../base/protocol';

/**
 * @param logits [vocabulary]
 * @returns the `count` largest, in descending order; equal ones by ascending id
 */
export function topTokens(
  logits: Float32Array,
  count: number,
  textOf: (id: number) => string | undefined
): RankedToken[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (ids.length === count && !(logits[id] > logits[ids[count - 1]])) {
      continue;
    }
    let at = ids.length;
    while (at > 0 && logits[id] > logits[ids[at - 1]]) {
      at--;
    }
    ids.splice(at, 0, id);
    ids.length = Math.min(ids.length, count);
  }
  const total = logSumExp(logits);
  return ids.map(id => {
    const text = textOf(id);
    return {
      id,
      ...(text === undefined ? {} : { text }),
      logit: finite(logits[id]),
      probability: finite(Math.exp(logits[id] - total))
    };
  });
}

/** @throws MoEDebuggerError 'input' for an invalid count */
export function checkTop(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_TOP) {
    throw new MoEDebuggerError('input', `there is no top ${String(count)}`, {
      where: 'top',
      hint: `give 1 to ${MAX_TOP}`
    });
  }
}

const MAX_TOP = 1000;

/** Null for NaN and infinity, which JSON lacks. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
