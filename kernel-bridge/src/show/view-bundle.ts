/** MIME bundle of a view: our own type, Vega-Lite, SVG and text. */
import { described, routingFallbackSpec } from '../base/charts';
import type { JsonObject } from '../base/kernel-api';
import {
  encodeSample,
  MIME_TYPE,
  PROTOCOL_VERSION,
  VEGALITE_MIME_TYPE,
  type Coverage,
  type EncodedView,
  type RoutingSample,
  type ViewName,
  type ViewState
} from '../base/protocol';
import { stillSvg } from './still-svg';

export interface ViewContent {
  view: ViewName;
  model: string;
  samples: readonly RoutingSample[];
  state?: Partial<ViewState>;
  /** Of all samples, including those omitted from the output. */
  coverage?: Coverage;
  /** Id of the live widget model of the output. */
  widget?: string;
}

/** Notebooks are read as a whole by every tool; a larger output makes them slow to open and to diff. */
const MAX_OUTPUT_BYTES = 4 << 20;

/** The MIME bundle of a view: our own type with the data inside, a Vega-Lite 5 fallback, a static SVG and text. */
export async function viewBundle(
  content: ViewContent,
  text: string
): Promise<JsonObject> {
  const document = viewDocument(content);
  const layerIndex = document.state.layerIndex;
  return {
    [MIME_TYPE]: document,
    // Its title changes with the slider; the description is of all.
    [VEGALITE_MIME_TYPE]: described(
      routingFallbackSpec(content.samples[0], {
        model: content.model,
        layerIndex
      }),
      text
    ),
    'image/svg+xml': await stillSvg(
      content.samples[0],
      layerIndex,
      content.model
    ),
    'text/plain': document.truncated ? `${text} (${document.truncated})` : text
  };
}

/** The document for a notebook, limited in size: logits are omitted first, then samples from the end. */
export function viewDocument(content: ViewContent): EncodedView {
  const make = (
    samples: readonly RoutingSample[],
    withoutLogits: boolean,
    truncated?: string
  ): EncodedView => ({
    version: PROTOCOL_VERSION,
    view: content.view,
    model: content.model,
    samples: samples.map(sample => encodeSample(sample, { withoutLogits })),
    state: {
      layerIndex: content.state?.layerIndex ?? 0,
      measure: content.state?.measure ?? 'weight'
    },
    ...(content.coverage ? { coverage: content.coverage } : {}),
    ...(content.widget ? { widget: content.widget } : {}),
    ...(truncated ? { truncated } : {})
  });
  const { samples } = content;
  if (encodedBytes(samples, true) <= MAX_OUTPUT_BYTES) {
    return make(samples, false);
  }
  let kept = samples.length;
  while (
    kept > 1 &&
    encodedBytes(samples.slice(0, kept), false) > MAX_OUTPUT_BYTES
  ) {
    kept--;
  }
  const parts = [
    kept < samples.length
      ? `the first ${kept} of ${samples.length} prompts`
      : '',
    'without router logits'
  ].filter(Boolean);
  return make(
    samples.slice(0, kept),
    true,
    `kept ${parts.join(', ')}: the output would be larger than ${MAX_OUTPUT_BYTES >> 20} MB`
  );
}

function encodedBytes(
  samples: readonly RoutingSample[],
  withLogits: boolean
): number {
  const bytes = samples.reduce(
    (sum, sample) =>
      sum +
      sample.tokens.length * 40 +
      sample.layers.reduce(
        (all, { logits, selected, weights }) =>
          all +
          (withLogits ? logits.byteLength : 0) +
          selected.byteLength +
          weights.byteLength,
        0
      ),
    0
  );
  return (bytes * 4) / 3;
}
