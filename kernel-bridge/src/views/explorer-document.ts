/** The samples of a trace as the page's explorer reads them. */
import {
  encodeSample,
  PROTOCOL_VERSION,
  type EncodedView,
  type RoutingSample
} from '../base/protocol';

/** A page shows one sample at a time. */
const MAX_SAMPLES = 64;

/** An explorer at its first layer, with the first samples; it says where there are more. */
export function explorerDocument(
  model: string,
  samples: readonly RoutingSample[]
): EncodedView {
  return {
    version: PROTOCOL_VERSION,
    view: 'explorer',
    model,
    samples: samples
      .slice(0, MAX_SAMPLES)
      .map(sample => encodeSample(sample, { binary: true })),
    state: { layerIndex: 0, measure: 'weight' },
    ...(samples.length > MAX_SAMPLES
      ? { truncated: `the first ${MAX_SAMPLES} of ${samples.length} prompts` }
      : {})
  };
}
