/** Finds experts that the router can select and the export has left out. */
import { cited, type TraceTally } from '../../measures';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import { lostText } from '../../run/model/lost-experts';
import { placeOf, type Finding } from './finding';

/** @param routers of the model, with the experts that its graph has no path for */
export function lostExpertFindings(
  routers: readonly Pick<Router, 'layer' | 'stack' | 'module' | 'lost'>[],
  { routers: tallies }: Pick<TraceTally, 'routers'>
): Finding[] {
  return routers.flatMap(router => {
    const { lost } = router;
    if (!lost) {
      return [];
    }
    const tally = tallies.find(
      own => layerName(own.router) === layerName(router)
    );
    const selected = lost.map(expert => tally?.counts[expert] ?? 0);
    const slots = tally?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
    return [
      {
        kind: 'lost-experts' as const,
        severity: 'error' as const,
        ...placeOf(router),
        experts: [...lost],
        ...cited('slotShare', 'of these experts together'),
        value:
          slots === 0
            ? null
            : selected.reduce((sum, count) => sum + count, 0) / slots,
        threshold: 0,
        message: lostText(lost),
        evidence: { selected, slots },
        suggestions: [
          {
            action: 'inspect' as const,
            text: 'export the model again so that every expert runs: with torch.export, or with an implementation that computes all experts on every token'
          }
        ]
      }
    ];
  });
}
