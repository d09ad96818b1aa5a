/** Findings: what is wrong with a model's routing, how sure that is, and what could be done. */
export {
  diagnose,
  type DiagnosedLayer,
  type DiagnoseOptions,
  type Diagnosis
} from './diagnose';
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
export { associations, type Association } from './specialists';
export { DEFAULT_THRESHOLDS, type Thresholds } from './thresholds';
export {
  TraceEvidence,
  traceFileEvidence,
  type EvidenceOptions
} from './trace-evidence';
export { diagnoseModel, type DiagnoseModelOptions } from './diagnose-model';
