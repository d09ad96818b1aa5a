/** Result of the search for expert pipelines. */
import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle, type ResultTable } from '../../show/result-table';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted, layerName, type ExpertPlace } from '../../base/protocol';
import {
  pipelineChains,
  type PipelineStatistics,
  type PipelineStep
} from './expert-pipelines';
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
  notes: string[];
}

export interface PipelinesDocument extends PipelinesData {
  schema: 'moe-debugger/pipelines@1';
}

export class ExpertPipelines implements Displayable {
  constructor(readonly data: PipelinesData) {}

  get steps(): readonly WeightedStep[] {
    return this.data.steps;
  }

  get chains(): readonly (readonly ExpertPlace[])[] {
    return this.data.chains;
  }

  toJSON(): PipelinesDocument {
    return { schema: 'moe-debugger/pipelines@1', ...this.data };
  }

  toString(): string {
    const { model, tokens, ids, tests, minLift, alpha, steps, chains, notes } =
      this.data;
    return [
      `experts of ${model} that follow each other, on ${counted(tokens, 'token')} of ${counted(ids, 'id')}: ${steps.length} of ${counted(tests, 'pair')} ${steps.length === 1 ? 'has' : 'have'} a lift of ${minLift} or more and a corrected p of ${alpha} or less`,
      ...steps
        .slice(0, LISTED)
        .map(step =>
          [
            `${nameOf(step.from)} > ${nameOf(step.to)}`.padEnd(NAME),
            `lift ${step.lift.toFixed(2)} (${counted(step.together, 'token')}, ${step.expected.toFixed(1)} by chance)`,
            `p ${step.correctedP.toExponential(1)}`,
            ...(step.effect ? [describeEffect(step.effect)] : [])
          ].join('  ')
        ),
      ...(steps.length > LISTED ? [`and ${steps.length - LISTED} more`] : []),
      ...chains
        .slice(0, LISTED)
        .map(chain => `chain: ${chain.map(nameOf).join(' > ')}`),
      ...notes.map(note => `note: ${note}`)
    ].join('\n');
  }

  [MIMEBUNDLE](): JsonObject {
    return tableBundle(this._table(), this.toString());
  }

  /**
   * Writes it to a file atomically: .json, .csv or .html.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(
      file,
      resultForms(this, () => this._table())
    );
  }

  private _table(): ResultTable {
    const { model, tokens, steps, notes } = this.data;
    return {
      title: `experts of ${model} that follow each other, on ${counted(tokens, 'token')}`,
      columns: [
        'from',
        'to',
        'tokens',
        'by chance',
        'lift',
        'corrected p',
        'effect'
      ],
      rows: steps.map(step => [
        nameOf(step.from),
        nameOf(step.to),
        step.together,
        step.expected,
        step.lift,
        step.correctedP,
        step.effect?.mean ?? null
      ]),
      notes
    };
  }
}

/** Builds the result from the counts and the effects, one per step. */
export function pipelinesOf(
  statistics: PipelineStatistics,
  settings: Pick<PipelinesData, 'model' | 'alpha' | 'minLift' | 'span'>,
  effects: readonly (StepEffect | undefined)[],
  notes: string[]
): ExpertPipelines {
  return new ExpertPipelines({
    ...settings,
    ...statistics,
    steps: statistics.steps.map((step, i) => ({
      ...step,
      ...(effects[i] ? { effect: effects[i] } : {})
    })),
    chains: pipelineChains(statistics.steps),
    notes
  });
}

const LISTED = 40;
const NAME = 42;

function nameOf({ expert, ...place }: ExpertPlace): string {
  return `${layerName(place)} expert ${expert}`;
}

function describeEffect({
  mean,
  low,
  high,
  others,
  tokens
}: StepEffect): string {
  const spread =
    low === null || high === null ? '' : ` ± ${((high - low) / 2).toFixed(3)}`;
  return `effect on its score ${signed(mean)}${spread} over ${counted(tokens, 'token')}${others === null ? '' : `, of the other experts ${signed(others)}`}`;
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
}
