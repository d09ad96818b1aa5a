/** Surveys of the experts of loaded models, by their weights. */
import type { ExpertSurvey } from '../../analyses/findings';
import { surveyModel } from '../../analyses/on-demand';
import { DEFAULT_THRESHOLDS } from '../../analyses/findings/thresholds';
import { sessionStore } from '../../api/store';

/** Weights beyond that are left to `model.diagnose()`: reading them here would hold up the kernel for seconds. */
const MAX_BYTES = 2 ** 28;

/** By model; weights do not change while one is loaded. */
const surveys = new Map<string, ExpertSurvey[]>();

/** Empty for a disposed model, whose files may have changed. */
export function surveyed(modelId: string): ExpertSurvey[] {
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
