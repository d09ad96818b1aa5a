/** The public surface of `moe-debugger`. */
export { MoEDebuggerError, type ErrorCode } from './errors';
export { inspectModel, loadModel, type LoadOptions } from './model/load-model';
export type { MoEModel } from './model/moe-model';
export type { TraceOptions } from './model/trace-prompts';
export type {
  DenseLayerCard,
  LayerCard,
  ModelDescription,
  MoELayerCard
} from './model/description';
export { EditedModel } from './edits/edited-model';
export type {
  Ablation,
  AblationMode,
  EditRecord,
  Edits,
  RouterPlace,
  Steering,
  TokenRange
} from './edits/edits';
export type { CausalityOptions } from './causality/causal-experts';
export type { CausalityResult } from './causality/causality-result';
export type { Criterion, CriterionOutput } from './causality/criterion';
export type { SweepOptions, SweepTarget } from './sweep/options';
export { SweepCancelled, type SweepResult } from './sweep/sweep-result';
export {
  Counterfactual,
  type CounterfactualDocument
} from './counterfactual/counterfactual';
export type { CounterfactualOptions } from './counterfactual/run-counterfactual';
export type {
  CausalEdge,
  CausalGraph,
  CausalNode,
  Effect
} from './counterfactual/causal-graph';
export {
  diffRouting,
  type DiffOptions,
  type DiffableTrace,
  type RoutingDiff,
  type SampleDiff
} from './diff/routing-diff';
export type { DiffDocument } from './diff/diff-document';
export type { Both, TokenChange } from './diff/layer-diff';
export type { LayerSummary } from './diff/layer-summary';
export { GenerationCancelled } from './generation/generation';
export type {
  FinishReason,
  Generation,
  GenerationDocument
} from './generation/generation';
export type { GenerateOptions, TokenEvent } from './generation/options';
export {
  diagnose,
  diagnoseModel,
  surveyOutputs,
  TraceEvidence,
  type DiagnosedLayer,
  type DiagnoseModelOptions,
  type DiagnoseOptions,
  type Diagnosis,
  type Finding,
  type FindingKind,
  type Severity,
  type Suggestion,
  type Thresholds,
  type TokenEvidence,
  type Undecided
} from './findings';
export {
  analyze,
  FORMATS,
  formatSensitivity,
  ngramTriggers,
  sideBySide,
  tokenSetSimilarity,
  type Analysis,
  type AnalyzedLayer,
  type AnalyzeOptions,
  type ExpertRole,
  type FormatSensitivity,
  type Role,
  type SideBySide,
  type Trigger,
  type TriggerOptions
} from './analysis';
export {
  CompressionPlan,
  compressionPlan,
  type CompressionCriterion,
  type CompressionDocument,
  type CompressionEffect,
  type CompressionOptions
} from './compression';
export type { Circuit } from './circuits/circuit';
export type { CircuitDrawingOptions } from './charts';
export type { CircuitOptions } from './circuits/options';
export type {
  Corrupted,
  NodeCell,
  PatchOptions,
  PatchTarget
} from './patching/options';
export type { PatchedCell } from './patching/patch-cells';
export { MoEDebugger, type ProfileOptions } from './debugger/moe-debugger';
export type {
  DiagnosticResult,
  ExpertMetrics,
  PerformanceMetrics,
  RoutingStats,
  SessionDocument,
  SessionSummary
} from './debugger/records';
export type { DebuggerSettings } from './debugger/settings';
export * as metrics from './metrics';
export type { ChatMessage } from './model/chat-template';
export type {
  ExpertPlace,
  PipelineThresholds
} from './analysis/expert-pipelines';
export type { StepEffect } from './analysis/pipeline-effects';
export type {
  ExpertPipelines,
  PipelinesDocument,
  WeightedStep
} from './analysis/pipelines-result';
export type { PipelineOptions } from './analysis/read-pipelines';
export type {
  AttentionDocument,
  AttentionLayer,
  AttentionRecord,
  HeadReference
} from './attention/attention-record';
export type { HeadMatrix, HeadScoreMatrix } from './figures/attention-figures';
export type { FindHeadsOptions } from './attention/find-heads';
export type { HeadScores } from './attention/head-scores';
export type {
  HeadKind,
  HeadsDocument,
  HeadScore,
  HeadsResult,
  ScoredHead
} from './attention/heads-result';
export type { AttentionOptions } from './attention/read-attention';
export type { Attribution } from './attribution/attribution';
export type {
  AttributeOptions,
  AttributionTarget,
  Baseline
} from './attribution/options';
export type {
  ExpertVocabulary,
  LogitChange,
  VocabularyOptions
} from './lens/expert-vocabulary';
export type {
  NeuronOptions,
  NeuronToken,
  NeuronVocabulary
} from './lens/neuron-vocabulary';
export type { Lens, LensDocument } from './lens/lens';
export type { LensOptions } from './lens/read-lens';
export type { Prompt, PromptObject } from './model/prompt';
export type { Tokenizer } from './model/tokenizer';
export type { ContrastOptions } from './steering/contrast-vectors';
export {
  riskDifferences,
  riskSteering,
  type RiskDifference,
  type RiskSteering
} from './steering/risk-difference';
export type {
  SteeringDocument,
  SteeringVector,
  SteeringVectors
} from './steering/steering-vectors';
export { importTrace } from './import';
export type { ImportFormat, ImportOptions, ImportReport } from './import';
export { openTrace, readTrace, type TraceFile } from './trace/read-trace';
export type { ReadOptions } from './trace/read-trace';
export type { RoutingTrace, TraceReportOptions } from './trace/routing-trace';
export { exportTrace, type ExportOptions } from './trace/export-trace';
export {
  expertSimilarity,
  type ExpertMatrix,
  type ExpertSimilarityOptions,
  type Figure,
  type LayerPlace,
  type Loads,
  type RateMatrix,
  type SimilarityOf
} from './figures';
export type { ReportOptions, ReportSection } from './report';
export type { RoutingEvent } from './trace/routing-event';
export type { TraceDocument } from './trace/trace-document';
export {
  CircuitView,
  ExpertSelector,
  LayerLens,
  SteeringControls,
  SweepView,
  TokenAttribution,
  type CircuitViewOptions,
  type ExpertSelectorOptions,
  type LayerLensOptions,
  type SteeringControlsOptions,
  type SweepViewOptions,
  type TokenAttributionOptions
} from './tools';
export {
  RoutingExplorer,
  type ExplorerOptions
} from './widgets/routing-explorer';
export type {
  AttributedToken,
  AttributeDocument,
  AttributionData,
  AttributionMethod,
  QuadratureRule,
  Coverage,
  ExpertVote,
  LensData,
  LensExperts,
  LensLayer,
  LensReading,
  Measure,
  RankedToken,
  RoutingLayer,
  RoutingSample,
  CausalityDocument,
  CausalityRow,
  CircuitDocument,
  CircuitEdge,
  CircuitNode,
  CircuitTarget,
  SweepDocument,
  SweepDomain,
  SweepMode,
  SweepRow,
  SweepToken,
  Token
} from './protocol';
export { display } from './display/display';
