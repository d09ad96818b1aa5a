/** Findings of a trace that a client asks for. */
import { diagnose } from '../../analyses/on-demand';
import { findingsState, type FindingsState } from '../../base/protocol';
import { surveyed } from './surveys';
import { storedTrace } from './stored-trace';

/** @throws MoEDebuggerError 'input' for a trace that is no longer kept */
export function diagnoseStored(id: string): FindingsState {
  const { trace, summary } = storedTrace(id);
  return findingsState(diagnose(trace, { experts: surveyed(summary.modelId) }));
}
