/** The public surface of `moe-debugger`. */
import './views/generation-looks';
import './views/trace-looks';
export { MoEDebuggerError, type ErrorCode } from './base/errors';
export { loadModel, type LoadOptions } from './api/load-model';
export { inspectModel } from './run/model/structure';
export type { MoEModel } from './api/moe-model';
export type { ModelTools } from './api/model-tools';
export type {
  PartialProgress,
  Progress,
  StreamProgress
} from './base/progress';
export { TraceCancelled, type TraceOptions } from './run/trace/trace-prompts';
export type { OnCancel } from './run/engine/cancel';
export type {
  DenseLayerCard,
  LayerCard,
  ModelDescription,
  MoELayerCard,
  UnreadLayerCard
} from './run/model/description';
export { EditedModel } from './api/edited-model';
export type {
  Ablation,
  AblationMode,
  EditRecord,
  Edits,
  Steering,
  TokenRange
} from './run/edits/edits';
export type { CausalityOptions } from './analyses/causality/options';
export type { CausalityResult } from './analyses/causality/causality-result';
export type {
  Criterion,
  CriterionOutput
} from './analyses/causality/criterion';
export type { SweepOptions, SweepTarget } from './analyses/sweep/options';
export {
  SweepCancelled,
  type SweepResult
} from './analyses/sweep/sweep-result';
export { Counterfactual } from './analyses/counterfactual/counterfactual';
export type { CounterfactualDocument } from './analyses/counterfactual/document';
export type { CounterfactualOptions } from './analyses/counterfactual/run-counterfactual';
export type {
  CausalEdge,
  CausalGraph,
  CausalNode,
  Effect
} from './analyses/counterfactual/causal-graph';
export {
  compareModels,
  ModelComparison,
  type CompareOptions,
  type ComparisonDocument
} from './analyses/comparison';
export {
  diffRouting,
  type DiffOptions,
  type DiffableTrace,
  type RoutingDiff
} from './analyses/diff/routing-diff';
export type { SampleDiff } from './analyses/diff/diff-data';
export type { DiffDocument } from './analyses/diff/diff-document';
export type { Both, TokenChange } from './analyses/diff/layer-diff';
export type { LayerSummary } from './analyses/diff/layer-summary';
export { GenerationCancelled } from './run/generation/generation';
export type {
  FinishReason,
  Generation,
  GenerationDocument
} from './run/generation/generation';
export type { GenerateOptions, TokenEvent } from './run/generation/options';
export { diagnose, diagnoseModel } from './analyses/on-demand';
export {
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
} from './analyses/findings';
export {
  analyze,
  sideBySide,
  tokenSetSimilarity,
  type Analysis,
  type AnalyzedLayer,
  type AnalyzeOptions,
  type ExpertRole,
  type Forecast,
  type Leaning,
  type NoForecast,
  type Role,
  type SideBySide
} from './analyses/behaviour';
export {
  ngramTriggers,
  Triggers,
  type Trigger,
  type TriggerOptions,
  type TriggersDocument
} from './analyses/triggers';
export {
  FORMAT_KINDS,
  formatSensitivity,
  FormatSensitivity,
  type Estimate,
  type FormatDocument,
  type FormatEffect,
  type FormatExpert,
  type FormatKind,
  type FormatLayer,
  type FormatOptions,
  type FormatVerdict
} from './analyses/format';
export {
  balanceLoad,
  BalancePlan,
  predictBalance,
  type BalanceDocument,
  type BalancedLayer,
  type BalanceOptions,
  type BiasPlace,
  type PredictBalanceOptions
} from './analyses/balance';
export {
  CompressionPlan,
  compressionPlan,
  type CompressionCriterion,
  type CompressionDocument,
  type CompressionEffect,
  type CompressionOptions,
  type PlanSizes,
  type RandomPlans
} from './analyses/compression';
export type { Circuit } from './analyses/circuits/circuit';
export type { CircuitDrawingOptions } from './base/charts';
export type { CircuitOptions } from './analyses/circuits/options';
export type { ChangedNeurons } from './analyses/neurons/change-neurons';
export type {
  NeuronEffect,
  NeuronsDocument
} from './analyses/neurons/document';
export { NeuronEffects } from './analyses/neurons/neurons-result';
export type {
  ChangeNeuronsOptions,
  ExpertUnitOptions,
  NeuronChange,
  NeuronEffectOptions
} from './analyses/neurons/options';
export { TaskCircuit } from './analyses/circuits/task/task-circuit';
export type {
  PromptPair,
  TaskCircuitOptions
} from './analyses/circuits/task/options';
export type {
  Corrupted,
  NodeCell,
  PatchOptions,
  PatchTarget
} from './analyses/patching/options';
export type { PatchedCell } from './analyses/patching/patch-cells';
export type {
  ProfileOptions,
  SessionGenerateOptions,
  SessionTraceOptions,
  TracingSession
} from './api/tracing-session';
export type { SessionOptions } from './api/session-options';
export {
  /** @deprecated use `model.session()`, or import it from 'moe-debugger/compat' */
  MoEDebugger,
  /** @deprecated use `SessionOptions`, or import it from 'moe-debugger/compat' */
  type DebuggerSettings
} from './api/compat';
export type {
  CacheReport,
  DiagnosticResult,
  ExpertMetrics,
  PerformanceMetrics,
  RoutingStats,
  SessionDocument,
  SessionMemoryReport,
  SessionSummary
} from './api/records';
export * as metrics from './measures';
export type { ChatMessage } from './run/model/chat-template';
export type { PipelineThresholds } from './analyses/behaviour/expert-pipelines';
export type { StepEffect } from './analyses/behaviour/pipeline-effects';
export type {
  PipelinesDocument,
  WeightedStep
} from './analyses/behaviour/pipelines-document';
export type { ExpertPipelines } from './analyses/behaviour/pipelines-result';
export type { PipelineOptions } from './analyses/behaviour/pipeline-options';
export type {
  Pipeline,
  PipelineStage
} from './analyses/behaviour/pipeline-classes';
export { expertPipelines } from './analyses/on-demand';
export type { TraceInput } from './analyses/findings/trace-input';
export type { AttentionLayer } from './analyses/attention/attention-data';
export type {
  AttentionDocument,
  AttentionRecord,
  HeadReference
} from './analyses/attention/attention-record';
export type {
  HeadMatrix,
  HeadScoreMatrix
} from './analyses/attention/attention-figures';
export type { FindHeadsOptions } from './analyses/attention/find-heads';
export type { HeadScores } from './analyses/attention/head-scores';
export type {
  HeadKind,
  HeadScore,
  ScoredHead
} from './analyses/attention/heads-data';
export type {
  HeadsDocument,
  HeadsResult
} from './analyses/attention/heads-result';
export type { AttentionOptions } from './analyses/attention/read-attention';
export type { Attribution } from './analyses/attribution/attribution';
export type {
  AttributeOptions,
  AttributionTarget,
  Baseline
} from './analyses/attribution/options';
export type {
  ExpertVocabulary,
  VocabularyOptions
} from './analyses/lens/expert-vocabulary';
export type { ModelProfileOptions } from './analyses/profile/profile-model';
export type { ModelProfile } from './analyses/profile/profile-result';
export type { LayerVocabularyOptions } from './analyses/lens/vocabulary/layer-vocabulary';
export type { UntrainedTokens } from './analyses/lens/vocabulary/untrained-tokens';
export type {
  AblationEvidence,
  ExpertWords,
  GroupChange,
  LogitChange,
  LossChange,
  RaisedToken,
  RaisingExpert,
  VocabularyData
} from './analyses/lens/vocabulary/vocabulary-data';
export type {
  LayerVocabulary,
  VocabularyDocument
} from './analyses/lens/vocabulary/vocabulary-result';
export type {
  NeuronOptions,
  NeuronToken,
  NeuronVocabulary
} from './analyses/lens/neuron-vocabulary';
export type { Lens, LensDocument } from './analyses/lens/lens';
export type { LensOptions } from './analyses/lens/read-lens';
export type { Prompt, PromptObject } from './run/model/prompt';
export type { Tokenizer } from './run/model/tokenizer';
export type { ContrastOptions } from './analyses/steering/contrast-vectors';
export {
  riskDifferences,
  riskSteering,
  type RiskDifference,
  type RiskSteering
} from './analyses/steering/risk-difference';
export type {
  SteeringDocument,
  SteeringVector,
  SteeringVectors
} from './analyses/steering/steering-vectors';
export { importTrace } from './files/import';
export type { ImportFormat, ImportOptions, ImportReport } from './files/import';
export { openTrace, readTrace, type TraceFile } from './files/trace/read-trace';
export type { ReadOptions } from './files/trace/read-trace';
export type { RoutingTrace } from './run/trace/routing-trace';
export type { TraceReportOptions } from './views/trace-looks';
export { exportTrace, type ExportOptions } from './views/export-trace';
export {
  expertSimilarity,
  type ExpertMatrix,
  type ExpertSimilarityOptions,
  type Figure,
  type LayerPlace,
  type Loads,
  type RateMatrix,
  type SimilarityOf
} from './views/figures';
export type { ReportOptions, ReportSection } from './views/report';
export type { RoutingEvent } from './run/trace/routing-event';
export type { RunningTrace } from './run/trace/running-trace';
export type { TokenSampling } from './run/capture/token-sampling';
export type { TraceDocument } from './run/trace/trace-document';
export * from './views/tools';
export {
  RoutingExplorer,
  type ExplorerOptions
} from './views/routing-explorer';
export type {
  LiveExplorer,
  LiveSource,
  LiveWatcher
} from './views/live-explorer';
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
  Phase,
  PhaseTime,
  RankedToken,
  ExpertPlace,
  RouterPlace,
  RoutingLayer,
  RoutingSample,
  RunStep,
  TraceRows,
  CausalityDocument,
  CausalityRow,
  CircuitConfidence,
  CircuitDocument,
  CircuitEdge,
  CircuitNode,
  CircuitTarget,
  DirectionControl,
  DirectionEffect,
  TaskCircuitDocument,
  TaskCurve,
  TaskDirection,
  TaskFigure,
  TaskPair,
  TaskPoint,
  SweepDocument,
  SweepDomain,
  SweepMode,
  SweepRow,
  SweepToken,
  Token
} from './base/protocol';
export { display } from './show/display';
