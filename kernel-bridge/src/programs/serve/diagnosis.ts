/** Findings of a trace that a side panel asks for. */
import type { ExpertSurvey } from '../../analyses/findings';
import { diagnose, surveyModel } from '../../analyses/on-demand';
import { DEFAULT_THRESHOLDS } from '../../analyses/findings/thresholds';
import { findingsState, type FromKernel } from '../../base/protocol';
import { sessionStore } from '../../api/store';

/** Weights beyond that are left to `model.diagnose()`: reading them here would hold up the kernel for seconds. */
const MOST_BYTES = 2 ** 28;

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
    const experts = surveyed(stored.summary.modelId);
    const state = findingsState(diagnose(stored.trace, { experts }));
    return { type: 'findings', request, state };
  } catch (error) {
    return {
      type: 'findings-error',
      request,
      message: error instanceof Error ? error.message : String(error)
    };
  }
}

/** By model; weights do not change while one is loaded. */
const surveys = new Map<string, ExpertSurvey[]>();

/** Nothing of a model that was disposed of: its files may be others by now. */
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
      MOST_BYTES
    );
    surveys.set(modelId, survey);
    return survey;
  } catch {
    // Files that are gone take nothing from the trace; the coverage says that no weights were looked at.
    return [];
  }
}
