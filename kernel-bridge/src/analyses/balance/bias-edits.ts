/** Fitted biases as edits of the model. */
import type { RouterPlace } from '../../base/protocol';
import type { Edits } from '../../run/edits/edits';
import type { BiasPlace } from './fit-layer';

export function biasEdits(
  layers: readonly (RouterPlace & { place: BiasPlace; bias: number[] })[]
): Edits {
  const of = (wanted: BiasPlace): NonNullable<Edits['bias']> =>
    layers
      .filter(({ place }) => place === wanted)
      .flatMap(({ layer, stack, module, bias }) =>
        bias.map((value, expert) => ({
          layer,
          ...(stack ? { stack } : {}),
          ...(module ? { module } : {}),
          expert,
          value
        }))
      );
  const [selectionBias, bias] = [of('selection'), of('logits')];
  return {
    ...(selectionBias.length > 0 ? { selectionBias } : {}),
    ...(bias.length > 0 ? { bias } : {})
  };
}
