import { MoEDebuggerError } from '../../base/errors';
import { layerName, type RouterIdentity } from '../../base/protocol';

/** A layer by its number or, where two stacks or modules share it, by all of its name. */
export type LayerPlace =
  number | Pick<RouterIdentity, 'layer' | 'stack' | 'module'>;

/** @throws MoEDebuggerError 'input' for a layer that is not there, or whose name two share */
export function findLayer<Held>(
  held: readonly Held[],
  place: LayerPlace,
  routerOf: (held: Held) => Pick<RouterIdentity, 'layer' | 'stack' | 'module'>
): Held {
  const fitting = held.filter(one =>
    typeof place === 'number'
      ? routerOf(one).layer === place
      : layerName(routerOf(one)) === layerName(place)
  );
  if (fitting.length === 1) {
    return fitting[0];
  }
  const names = held.map(one => layerName(routerOf(one))).join(', ');
  throw new MoEDebuggerError(
    'input',
    fitting.length === 0
      ? `there is no ${typeof place === 'number' ? `layer ${place}` : layerName(place)}`
      : `${fitting.length} routers have the number ${String(place)}`,
    {
      where: 'layer',
      hint: `there are ${names}${fitting.length === 0 ? '' : '; give { layer, stack, module }'}`
    }
  );
}
