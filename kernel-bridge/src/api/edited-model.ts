/** A model with edits: runs as the model does, and tells in every trace what was changed. */
import type { Generation } from '../run/generation/generation';
import type { GenerateOptions } from '../run/generation/options';
import type { Lens } from '../analyses/lens/lens';
import type { Diagnosis, DiagnoseModelOptions } from '../analyses/findings';
import type {
  ExpertVocabulary,
  VocabularyOptions
} from '../analyses/lens/expert-vocabulary';
import {
  contrastVectors,
  diagnoseOn,
  expertVocabulary,
  readLens,
  sweep
} from '../analyses/on-demand';
import type { ContrastOptions } from '../analyses/steering/contrast-vectors';
import type { SteeringVectors } from '../analyses/steering/steering-vectors';
import type { SweepOptions } from '../analyses/sweep/options';
import type { SweepResult } from '../analyses/sweep/sweep-result';
import { observerOf } from '../run/trace/observer';
import type { LensOptions } from '../analyses/lens/read-lens';
import type { TraceOptions } from '../run/trace/trace-prompts';
import type { ModelHandle } from '../run/model/loaded-model';
import { promptList, type Prompt } from '../run/model/prompt';
import { generateOn, traceOn } from '../run/generation/run-prompts';
import type { RoutingTrace } from '../run/trace/routing-trace';
import type { EditedRun, EditedSession } from '../run/edits/edited-session';
import type { EditRecord, Edits } from '../run/edits/edits';

export class EditedModel {
  /** The edits one by one, as its traces record them. */
  readonly edits: readonly EditRecord[];
  private readonly _run: () => Promise<EditedRun>;

  /**
   * @internal use `model.with`
   * @param model what is edited; disposing of it disposes of this
   * @throws MoEDebuggerError 'edit' naming the layer and what is possible there
   */
  constructor(
    readonly model: ModelHandle,
    session: EditedSession,
    private readonly _edits: Edits
  ) {
    const { records, run } = session.resolve(_edits);
    this.edits = records.records;
    this._run = run;
  }

  /** As `MoEModel.trace`, with the edits. Logits are the router's own, before them. */
  trace(
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions = {}
  ): Promise<RoutingTrace> {
    return traceOn(this.model.loaded, this._run, prompts, options);
  }

  /** As `MoEModel.generate`, with the edits. */
  async generate(
    prompt: Prompt,
    options?: GenerateOptions
  ): Promise<Generation>;
  async generate(
    prompts: readonly Prompt[],
    options?: GenerateOptions
  ): Promise<Generation[]>;
  async generate(
    prompts: Prompt | readonly Prompt[],
    options: GenerateOptions = {}
  ): Promise<Generation | Generation[]> {
    const generations = await generateOn(
      this.model.loaded,
      this._run,
      prompts,
      options
    );
    return promptList(prompts) === prompts ? generations : generations[0];
  }

  /** As `MoEModel.lens`, with the edits. */
  async lens(
    prompt: Prompt,
    options: Omit<LensOptions, 'edits'> = {}
  ): Promise<Lens> {
    return readLens(this.model.loaded, prompt, {
      ...options,
      edits: this._edits
    });
  }

  /** As `MoEModel.sweep`: each ablation is compared with the model that has the edits. */
  async sweep(
    prompts: Prompt | readonly Prompt[],
    options?: SweepOptions
  ): Promise<SweepResult> {
    return this._running(() =>
      sweep(
        this.model.loaded,
        promptList(prompts),
        options,
        undefined,
        this._edits
      )
    );
  }

  /** As `MoEModel.diagnose`, of the routing with the edits; the experts' weights are the model's own. */
  async diagnose(
    prompts?: Prompt | readonly Prompt[],
    options: Omit<DiagnoseModelOptions, 'prompts' | 'outputs'> = {}
  ): Promise<Diagnosis> {
    const given = prompts === undefined ? {} : { prompts: promptList(prompts) };
    return this._running(() =>
      diagnoseOn(this.model.loaded, this._run, { ...options, ...given })
    );
  }

  /** As `MoEModel.steeringVectors`, of the streams with the edits. */
  async steeringVectors(options: ContrastOptions): Promise<SteeringVectors> {
    return contrastVectors(this.model.loaded, options, this._edits);
  }

  /** As `MoEModel.expertVocabulary` by activation, with the edits. */
  async expertVocabulary(
    options: VocabularyOptions
  ): Promise<ExpertVocabulary> {
    return expertVocabulary(this.model.loaded, options, this._edits);
  }

  private _running<T>(work: () => Promise<T>): Promise<T> {
    return observerOf(this.model.loaded).running(work);
  }

  toString(): string {
    return `${this.model.loaded.name} with ${this.edits.length} ${this.edits.length === 1 ? 'edit' : 'edits'}`;
  }
}
