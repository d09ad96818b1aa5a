/** The tokens that select an expert most often. */
import { layerName } from '../../base/protocol';
import type { RouterTally } from '../../measures';
import type { TokenEvidence } from './finding';
import type { TraceEvidence } from './trace-evidence';

/** By expert: its most frequent tokens, each with one position. */
export function topTokens(
  evidence: TraceEvidence,
  router: RouterTally,
  most: number
): TokenEvidence[][] {
  const units = evidence.units(layerName(router.router))!.ids;
  const { keys } = evidence.ids;
  const best = Array.from(
    router.counts,
    (): { row: number; count: number }[] => []
  );
  for (let row = 0; row < keys.length; row++) {
    units.row(row).forEach((count, expert) => {
      const own = best[expert];
      if (count > (own.length < most ? 0 : own[most - 1].count)) {
        const at = own.findIndex(other => other.count < count);
        own.splice(at < 0 ? own.length : at, 0, { row, count });
        own.length = Math.min(own.length, most);
      }
    });
  }
  return best.map(own =>
    own.map(({ row, count }) => ({
      count,
      ...evidence.places.get(keys[row])!
    }))
  );
}
