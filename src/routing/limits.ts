import { ProtocolError, tokensOf, type View } from 'moe-debugger/protocol';

/** A few bytes can declare any number of experts, and a heatmap has a cell for each: above this a page would hang. */
const MAX_EXPERTS = 4096;
const MAX_CELLS = 1 << 23;
const MAX_LAYERS = 4096;

/**
 * Rejects a valid document that is too large to draw.
 * @throws ProtocolError naming the size.
 */
export function checkDrawable(view: View): View {
  for (const sample of view.samples) {
    if (sample.layers.length > MAX_LAYERS) {
      throw new ProtocolError(
        `${sample.layers.length} layers are more than the ${MAX_LAYERS} that can be drawn`
      );
    }
    for (const layer of sample.layers) {
      if (layer.experts < 1 || layer.experts > MAX_EXPERTS) {
        throw new ProtocolError(
          `a layer of ${layer.experts} experts cannot be drawn`
        );
      }
      const tokens = tokensOf(sample, layer).length;
      if (tokens * layer.experts > MAX_CELLS) {
        throw new ProtocolError(
          `${tokens} tokens × ${layer.experts} experts are more than the ${MAX_CELLS} cells that can be drawn`
        );
      }
    }
  }
  return view;
}
