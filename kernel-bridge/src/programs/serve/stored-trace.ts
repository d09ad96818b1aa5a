/** Traces that are kept for clients to ask for. */
import { MoEDebuggerError } from '../../base/errors';
import {
  encodeSample,
  extractBuffers,
  PROTOCOL_VERSION,
  type EncodedView,
  type Extracted,
  type RoutingSample,
  type RunStep
} from '../../base/protocol';
import { sessionStore } from '../../api/store';

/** Samples that a client gets of one trace; it shows one at a time. */
const MAX_SAMPLES = 64;

/** @throws MoEDebuggerError 'input' for a trace that is no longer kept */
export function storedTrace(
  id: string
): NonNullable<ReturnType<ReturnType<typeof sessionStore>['trace']>> {
  const stored = sessionStore().trace(id);
  if (!stored) {
    throw new MoEDebuggerError('input', 'this trace is no longer kept', {
      hint: 'run the cell again'
    });
  }
  return stored;
}

/**
 * A trace as a view, its arrays taken out; of one in the making, what there is so far.
 * @throws MoEDebuggerError 'input' for one that is no longer kept
 */
export function encodeStored(id: string): Pick<
  Extracted,
  'bufferPaths' | 'buffers'
> & {
  view: EncodedView;
  steps?: RunStep[];
} {
  const { samples, model, steps } = samplesOf(id);
  const view: EncodedView = {
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
  const { state, ...arrays } = extractBuffers(view);
  return {
    view: state as EncodedView,
    ...arrays,
    ...(steps ? { steps: [...steps] } : {})
  };
}

function samplesOf(id: string): {
  model: string;
  samples: readonly RoutingSample[];
  steps: readonly RunStep[] | undefined;
} {
  const running = sessionStore().running(id);
  if (running) {
    const { model, sample, steps } = running;
    return { model, samples: [sample], steps };
  }
  const { model, samples, steps } = storedTrace(id).trace;
  return { model, samples, steps: steps.get(samples[0].id) };
}
