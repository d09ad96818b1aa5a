import { findPlace, type RouterPlace } from '../../base/protocol';

/** A layer by its number or, where two stacks or modules share it, by its place. */
export type LayerPlace = number | RouterPlace;

/** @throws MoEDebuggerError 'input' for a layer that is not there, or a place that means several */
export function findLayer<Held>(
  held: readonly Held[],
  place: LayerPlace,
  routerOf: (held: Held) => RouterPlace
): Held {
  return held[
    findPlace(
      typeof place === 'number' ? { layer: place } : place,
      held.map(routerOf),
      'input',
      { where: 'layer' }
    )
  ];
}
