/** Findings of a trace that a side panel asks for. */
import { diagnose } from '../findings/load-diagnose';
import { findingsState, type FromKernel } from '../protocol';
import { sessionStore } from './store';

/** Never throws: what is wrong is answered. */
export function diagnoseStored(request: number, id: string): FromKernel {
  const stored = sessionStore().trace(id);
  if (!stored) {
    return {
      type: 'findings-error',
      request,
      message: 'this trace is no longer kept: run the cell again'
    };
  }
  try {
    const state = findingsState(diagnose(stored.trace));
    return { type: 'findings', request, state };
  } catch (error) {
    return {
      type: 'findings-error',
      request,
      message: error instanceof Error ? error.message : String(error)
    };
  }
}
