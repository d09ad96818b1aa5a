/** Findings of a trace that a client asks for. */
import type { ExpertSurvey } from '../../analyses/findings';
import { diagnose, surveyModel } from '../../analyses/on-demand';
import { DEFAULT_THRESHOLDS } from '../../analyses/findings/thresholds';
import { findingsState, type FindingsState } from '../../base/protocol';
import { sessionStore } from '../../api/store';
import { storedTrace } from './stored-trace';

/** Weights beyond that are left to `model.diagnose()`: reading them here would hold up the kernel for seconds. */
const MAX_BYTES = 2 ** 28;

/** @throws MoEDebuggerError 'input' for a trace that is no longer kept */
export function diagnoseStored(id: string): FindingsState {
  const { trace, summary } = storedTrace(id);
  return findingsState(diagnose(trace, { experts: surveyed(summary.modelId) }));
}

/** By model; weights do not change while one is loaded. */
const surveys = new Map<string, ExpertSurvey[]>();

/** Empty for a disposed model, whose files may have changed. */
function surveyed(modelId: string): ExpertSurvey[] {
  const model = sessionStore().models.find(({ id }) => id === modelId);
  if (!model || model.status === 'disposed') {
    return [];
  }
  const known = surveys.get(modelId);
  if (known) {
    return known;
  }
  try {
    const survey = surveyModel(
      model.path,
      DEFAULT_THRESHOLDS.duplicate_similarity_threshold,
      MAX_BYTES
    );
    surveys.set(modelId, survey);
    return survey;
  } catch {
    // If files are missing, the trace is diagnosed alone; the coverage reports that no weights were read.
    return [];
  }
}
