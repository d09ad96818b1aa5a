/** Expert pipelines as JSON: `moe-debugger/pipelines@1`. */
import type { ExpertPlace } from '../../base/protocol';
import type { PipelineStatistics, PipelineStep } from './expert-pipelines';
import type { Pipeline } from './pipeline-classes';
import type { StepEffect } from './pipeline-effects';

export interface WeightedStep extends PipelineStep {
  /** With `effectTokens`, where gradients are available. */
  effect?: StepEffect;
}

export interface PipelinesData extends Omit<PipelineStatistics, 'steps'> {
  model: string;
  alpha: number;
  minLift: number;
  span: number;
  /** Highest lift first. */
  steps: WeightedStep[];
  /** Chains of steps over three layers or more. */
  chains: ExpertPlace[][];
  /** Chains, and steps that are in none, with the class of tokens that each carries. */
  pipelines: Pipeline[];
  /** Names of all routers, in order. */
  routers: string[];
  notes: string[];
}

export interface PipelinesDocument extends PipelinesData {
  schema: 'moe-debugger/pipelines@1';
}
