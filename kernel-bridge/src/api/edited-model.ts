/** A model with edits: runs as the model does, and tells in every trace what was changed. */
import type { Generation } from '../run/generation/generation';
import type { GenerateOptions } from '../run/generation/options';
import type { Lens } from '../analyses/lens/lens';
import type { Diagnosis, DiagnoseModelOptions } from '../analyses/findings';
import type {
  ExpertVocabulary,
  VocabularyOptions
} from '../analyses/lens/expert-vocabulary';
import type { LayerVocabularyOptions } from '../analyses/lens/vocabulary/layer-vocabulary';
import type { LayerVocabulary } from '../analyses/lens/vocabulary/vocabulary-result';
import {
  causalExperts,
  contrastVectors,
  diagnoseOn,
  expertVocabulary,
  layerVocabulary,
  readLens,
  runCounterfactual,
  sweep
} from '../analyses/on-demand';
import type { CausalityOptions } from '../analyses/causality/options';
import type { CausalityResult } from '../analyses/causality/causality-result';
import type { Counterfactual } from '../analyses/counterfactual/counterfactual';
import type { CounterfactualOptions } from '../analyses/counterfactual/run-counterfactual';
import type { ContrastOptions } from '../analyses/steering/contrast-vectors';
import type { SteeringVectors } from '../analyses/steering/steering-vectors';
import type { SweepOptions } from '../analyses/sweep/options';
import type { SweepResult } from '../analyses/sweep/sweep-result';
import { observerOf } from '../run/trace/observer';
import type { LensOptions } from '../analyses/lens/read-lens';
import type { TraceOptions } from '../run/trace/trace-prompts';
import type { LoadedModel, ModelHandle } from '../run/model/loaded-model';
import type { Runnable } from '../run/model/runnable';
import { promptList, type Prompt } from '../run/model/prompt';
import { generateOn, traceOn } from '../run/generation/run-prompts';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { ExplainedModel } from './explained-model';
import { editedRunnable } from '../run/edits/edited-runnable';
import type { EditedRun, EditedSession } from '../run/edits/edited-session';
import type { EditRecord, Edits } from '../run/edits/edits';

export class EditedModel extends ExplainedModel {
  /** The edits one by one, as its traces record them. */
  readonly edits: readonly EditRecord[];
  protected readonly _target: () => Promise<EditedRun>;
  private readonly _resolved: ReturnType<EditedSession['resolve']>;
  private _explained?: Runnable;

  /**
   * @internal use `model.with`
   * @param model what is edited; disposing of it disposes of this
   * @throws MoEDebuggerError 'edit' naming the layer and what is possible there
   */
  constructor(
    readonly model: ModelHandle,
    private readonly _session: EditedSession,
    private readonly _edits: Edits
  ) {
    super();
    this._resolved = _session.resolve(_edits);
    this.edits = this._resolved.records.records;
    this._target = this._resolved.run;
  }

  /** As `MoEModel.trace`, with the edits. Logits are the router's own, before them. */
  trace(
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions = {}
  ): Promise<RoutingTrace> {
    return traceOn(this._loaded, this._target, prompts, options);
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
      this._loaded,
      this._target,
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
    return readLens(this._loaded, prompt, {
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
      sweep(this._loaded, promptList(prompts), options, undefined, this._edits)
    );
  }

  /** As `MoEModel.diagnose`, of the routing with the edits; the experts' weights are the model's own. */
  async diagnose(
    prompts?: Prompt | readonly Prompt[],
    options: Omit<DiagnoseModelOptions, 'prompts' | 'outputs'> = {}
  ): Promise<Diagnosis> {
    const given = prompts === undefined ? {} : { prompts };
    return this._running(() =>
      diagnoseOn(this._loaded, this._target, { ...options, ...given })
    );
  }

  /** As `MoEModel.steeringVectors`, of the streams with the edits. */
  async steeringVectors(options: ContrastOptions): Promise<SteeringVectors> {
    return contrastVectors(this._loaded, options, this._edits);
  }

  /** As `MoEModel.expertVocabulary` by activation, with the edits. */
  async expertVocabulary(
    options: VocabularyOptions
  ): Promise<ExpertVocabulary> {
    return expertVocabulary(this._loaded, options, this._edits);
  }

  /** As `MoEModel.counterfactual`: what follows from more edits, compared with the model that has these. */
  async counterfactual(
    prompt: Prompt,
    edits: Edits,
    options: CounterfactualOptions = {}
  ): Promise<Counterfactual> {
    return this._running(() =>
      runCounterfactual(this._loaded, prompt, edits, options, this._edits)
    );
  }

  /** As `MoEModel.causalExperts`: each expert is ablated on top of the edits, and compared with experts of the same load with them. */
  async causalExperts(
    prompts: Prompt | readonly Prompt[],
    options: CausalityOptions
  ): Promise<CausalityResult> {
    return this._running(() =>
      causalExperts(
        this._loaded,
        promptList(prompts),
        options,
        (edits, prompt, settings) =>
          new EditedModel(this.model, this._session, edits).generate(
            prompt,
            settings
          ),
        this._edits
      )
    );
  }

  protected get _loaded(): LoadedModel {
    return this.model.loaded;
  }

  protected get _runnable(): Runnable {
    return (this._explained ??=
      this.edits.length === 0
        ? this._loaded
        : editedRunnable(this._loaded, this._resolved));
  }

  /** As `MoEModel.layerVocabulary`, with the edits. */
  async layerVocabulary(
    options: LayerVocabularyOptions
  ): Promise<LayerVocabulary> {
    return this._running(() =>
      layerVocabulary(this._loaded, options, this._edits)
    );
  }

  private _running<T>(work: () => Promise<T>): Promise<T> {
    return observerOf(this._loaded).running(work);
  }

  override toString(): string {
    return `${this._loaded.name} with ${this.edits.length} ${this.edits.length === 1 ? 'edit' : 'edits'}`;
  }
}
