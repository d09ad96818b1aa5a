/** Small documents for the tests. */
import {
  PROTOCOL_VERSION,
  type RoutingLayer,
  type RoutingSample,
  type View
} from 'moe-debugger/protocol';

/** Three tokens, four experts, two of them for each token; the last slot is dropped. */
export function layer(
  index: number,
  more: Partial<RoutingLayer> = {}
): RoutingLayer {
  return {
    layer: index,
    experts: 4,
    topK: 2,
    score: 'softmax',
    logitsAre: 'logits',
    logits: Float32Array.of(0, 0, 0, 0, 1, 2, 3, 4, 0, 9, 0, 0),
    selected: Int32Array.of(0, 3, 3, 2, 1, -1),
    weights: Float32Array.of(0.25, 0.75, 0.5, 0.5, 1, 0),
    ...more
  };
}

export function sample(
  id: string,
  layers: RoutingLayer[] = [layer(0), layer(2)]
): RoutingSample {
  return {
    id,
    tokens: ['def', ' f', '\n'].map((text, position) => ({
      position,
      id: position,
      text
    })),
    layers
  };
}

export function view(
  samples: RoutingSample[] = [sample('a')],
  more: Partial<View> = {}
): View {
  return {
    version: PROTOCOL_VERSION,
    view: 'explorer',
    model: 'demo',
    samples,
    state: { layerIndex: 0, measure: 'weight' },
    ...more
  };
}
