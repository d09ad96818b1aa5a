/** Traces that are kept for clients to ask for. */
import { MoEDebuggerError } from '../../base/errors';
import {
  extractBuffers,
  type EncodedView,
  type Extracted,
  type RoutingSample,
  type RunStep
} from '../../base/protocol';
import { sessionStore } from '../../api/store';
import { explorerDocument } from '../../views/explorer-document';

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
  const { state, ...arrays } = extractBuffers(explorerDocument(model, samples));
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
