/** Findings: problems of a model's routing, with confidence and suggestions. */
export { diagnose, type DiagnoseOptions } from './diagnose';
export type { DiagnosedLayer, Diagnosis } from './diagnosis';
export type {
  Finding,
  FindingKind,
  Severity,
  Suggestion,
  TokenEvidence,
  Undecided
} from './finding';
export {
  surveyExperts,
  surveyOutputs,
  type ExpertSurvey
} from './expert-survey';
export {
  associations,
  type Association,
  type Associations,
  type Degree
} from './associations';
export { DEFAULT_THRESHOLDS, type Thresholds } from './thresholds';
export { traceFileEvidence } from './file-evidence';
export { TraceEvidence, type EvidenceOptions } from './trace-evidence';
export { diagnoseModel, type DiagnoseModelOptions } from './diagnose-model';
