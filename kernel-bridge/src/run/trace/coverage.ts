/** Coverage of a model by a trace; validated, so that missing routing is an error and never zeros. */
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  tokensOf,
  type Coverage,
  type RoutingSample
} from '../../base/protocol';

/**
 * @param tokensRun tokens that were run, where only a share was captured
 * @throws MoEDebuggerError 'capture' when there is no layer, or a layer's slots are not k × tokens
 */
export function coverageOf(
  samples: readonly RoutingSample[],
  moeLayers: number,
  tokensRun?: number
): Coverage {
  const layersCaptured = Math.min(
    ...samples.map(({ layers }) => layers.length)
  );
  if (samples.length === 0 || layersCaptured === 0) {
    throw new MoEDebuggerError('capture', 'no routing was captured', {
      hint: 'run "moe-debugger inspect" to see which routers were found'
    });
  }
  let slots = 0;
  for (const sample of samples) {
    for (const layer of sample.layers) {
      const expected = layer.topK * tokensOf(sample, layer).length;
      if (
        layer.selected.length !== expected ||
        (layer.weights.length !== expected && layer.weights.length > 0)
      ) {
        throw new MoEDebuggerError(
          'capture',
          `${layer.selected.length} slots were captured instead of k × tokens = ${expected}`,
          {
            where: `${layerName(layer)}, prompt ${sample.id}`,
            hint: 'please report it with the output of "moe-debugger inspect"'
          }
        );
      }
      slots += expected;
    }
  }
  const tokens = samples.reduce((sum, sample) => sum + sample.tokens.length, 0);
  return {
    moeLayers,
    layersCaptured,
    tokens,
    ...(tokensRun === undefined || tokensRun === tokens ? {} : { tokensRun }),
    slots
  };
}
