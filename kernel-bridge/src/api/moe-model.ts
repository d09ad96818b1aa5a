/** A loaded MoE model: run it and see how it routes. */
import '../views/generation-looks';
import '../views/trace-looks';
import { warnDeprecated } from '../base/deprecation';
import { lazily } from '../base/lazily';
import {
  causalExperts,
  contrastVectors,
  diagnoseModel,
  expertVocabulary,
  layerVocabulary,
  profileModel,
  neuronVocabulary,
  readLens,
  runCounterfactual,
  sweep
} from '../analyses/on-demand';
import type { CausalityOptions } from '../analyses/causality/options';
import type { CausalityResult } from '../analyses/causality/causality-result';
import type { Counterfactual } from '../analyses/counterfactual/counterfactual';
import type { CounterfactualOptions } from '../analyses/counterfactual/run-counterfactual';
import { EditedModel } from './edited-model';
import type { Edits } from '../run/edits/edits';
import { editedSession, rewrittenSession } from '../run/edits/edited-sessions';
import { isFusedRouter } from '../run/edits/rewrite-fused';
import type { DiagnoseModelOptions, Diagnosis } from '../analyses/findings';
import type { Generation } from '../run/generation/generation';
import {
  generateOn,
  traceOn,
  type Target
} from '../run/generation/run-prompts';
import type { GenerateOptions } from '../run/generation/options';
import type { Lens } from '../analyses/lens/lens';
import type {
  ExpertVocabulary,
  VocabularyOptions
} from '../analyses/lens/expert-vocabulary';
import type {
  NeuronOptions,
  NeuronVocabulary
} from '../analyses/lens/neuron-vocabulary';
import type { LensOptions } from '../analyses/lens/read-lens';
import type { LayerVocabularyOptions } from '../analyses/lens/vocabulary/layer-vocabulary';
import type { LayerVocabulary } from '../analyses/lens/vocabulary/vocabulary-result';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { sessionStore } from './store';
import type { ContrastOptions } from '../analyses/steering/contrast-vectors';
import type { SteeringVectors } from '../analyses/steering/steering-vectors';
import type { SweepOptions } from '../analyses/sweep/options';
import type { SweepResult } from '../analyses/sweep/sweep-result';
import type * as tools from '../views/tools';
import type { RoutingTrace } from '../run/trace/routing-trace';
import {
  formatDescription,
  markdownDescription,
  type LayerCard,
  type ModelDescription
} from '../run/model/description';
import type { ModelProfileOptions } from '../analyses/profile/profile-model';
import type { ModelProfile } from '../analyses/profile/profile-result';
import { ExplainedModel } from './explained-model';
import { ModelTools } from './model-tools';
import type { SessionOptions } from './session-options';
import type { TracingSession } from './tracing-session';
import type { LoadedModel } from '../run/model/loaded-model';
import type { Runnable } from '../run/model/runnable';
import { promptList, type Prompt } from '../run/model/prompt';
import type { Tokenizer } from '../run/model/tokenizer';
import { observe, observerOf } from '../run/trace/observer';
import type { TraceOptions } from '../run/trace/trace-prompts';

const tracingSession = lazily(
  () => require('./tracing-session') as typeof import('./tracing-session'),
  'tracingSession'
);

export class MoEModel extends ExplainedModel implements Displayable {
  /** @internal what analyses run */
  readonly loaded: LoadedModel;
  private _tools?: ModelTools;

  /** @internal use `loadModel` */
  constructor(loaded: LoadedModel) {
    super();
    this.loaded = loaded;
    const store = sessionStore();
    const { id, name, routers, onnx } = loaded;
    store.addModel({
      id,
      name,
      path: onnx.file,
      routers,
      structure: loaded,
      openTool: (tool, trace) => this.tools[tool]({ trace }),
      profile: (prompt, options) => this.profile(prompt, options)
    });
    observe(loaded, {
      running: work => store.whileRunning(id, work),
      began: trace => store.beginTrace(trace, id),
      traced: (trace, label) => store.addTrace(trace, id, label),
      dropped: trace => store.drop(trace)
    });
  }

  /**
   * Where the time of a forward pass goes, by layer, part and operator: runs the prompt in a session of its own with
   * onnxruntime's profiler.
   *
   * @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid prompt or option, 'model-unsupported', 'engine', 'cancelled'
   */
  async profile(
    prompt: Prompt,
    options: ModelProfileOptions = {}
  ): Promise<ModelProfile> {
    return this._running(() => profileModel(this, prompt, options));
  }

  /** Identifies the model within this process. */
  get id(): string {
    return this.loaded.id;
  }

  get name(): string {
    return this.loaded.name;
  }

  get description(): ModelDescription {
    return this.loaded.description;
  }

  /** Undefined when the model has no tokenizer.json that can be read: prompts are token ids then. */
  get tokenizer(): Tokenizer | undefined {
    return this.loaded.tokenizer;
  }

  /** One card a layer, dense layers included. */
  get layers(): readonly LayerCard[] {
    return this.description.layers;
  }

  /**
   * Runs prompts, one forward each, and returns how every MoE layer routed every token.
   *
   * @param prompts a text, token ids, an object with one of both, or a list of such
   * @throws MoEDebuggerError 'input' or 'tokenizer' for a prompt that does not fit, 'capture' when what was captured
   * contradicts the graph, 'cancelled'
   */
  async trace(
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions = {}
  ): Promise<RoutingTrace> {
    return traceOn(this.loaded, this._target, prompts, options);
  }

  /**
   * The model with edits: the same `trace` and `generate`, on one session that all edits of this model share.
   *
   * @param options `rewriteFused` writes fused MoE and QMoE operators in plain ones, which take every edit; the results
   * are equal but for rounding, and slower
   * @throws MoEDebuggerError 'edit' naming the layer and what is possible there
   */
  with(
    edits: Edits,
    { rewriteFused = false }: { rewriteFused?: boolean } = {}
  ): EditedModel {
    this.loaded.checkUsable();
    return new EditedModel(
      this,
      rewriteFused && this.loaded.routers.some(isFusedRouter)
        ? rewrittenSession(this.loaded)
        : editedSession(this.loaded),
      edits
    );
  }

  /** Tools to click, in a cell or in the side panel; methods of the model itself return results. */
  get tools(): ModelTools {
    return (this._tools ??= new ModelTools(this));
  }

  /**
   * A session that gathers traces: figures and findings of all of them.
   *
   * @throws MoEDebuggerError 'input' for an option that does not exist or cannot be meant
   */
  session(options: SessionOptions = {}): TracingSession {
    this.loaded.checkUsable();
    return tracingSession(this, options);
  }

  /** @deprecated use `tools.experts`; goes away in 1.0 */
  experts(options?: tools.ExpertSelectorOptions): tools.ExpertSelector {
    warnDeprecated('MOE_DEP0001', 'model.experts()', 'model.tools.experts()');
    return this.tools.experts(options);
  }

  /** @deprecated use `tools.lens`; goes away in 1.0 */
  layerLens(options?: tools.LayerLensOptions): tools.LayerLens {
    warnDeprecated('MOE_DEP0002', 'model.layerLens()', 'model.tools.lens()');
    return this.tools.lens(options);
  }

  /** @deprecated use `tools.steering`; goes away in 1.0 */
  steering(options?: tools.SteeringControlsOptions): tools.SteeringControls {
    warnDeprecated('MOE_DEP0003', 'model.steering()', 'model.tools.steering()');
    return this.tools.steering(options);
  }

  /** @deprecated use `tools.sweep`; goes away in 1.0 */
  sweepView(options?: tools.SweepViewOptions): tools.SweepView {
    warnDeprecated('MOE_DEP0004', 'model.sweepView()', 'model.tools.sweep()');
    return this.tools.sweep(options);
  }

  /** @deprecated use `tools.attribution`; goes away in 1.0 */
  tokenAttribution(
    options?: tools.TokenAttributionOptions
  ): tools.TokenAttribution {
    warnDeprecated(
      'MOE_DEP0005',
      'model.tokenAttribution()',
      'model.tools.attribution()'
    );
    return this.tools.attribution(options);
  }

  /** @deprecated use `tools.circuit`; goes away in 1.0 */
  circuitView(options?: tools.CircuitViewOptions): tools.CircuitView {
    warnDeprecated(
      'MOE_DEP0006',
      'model.circuitView()',
      'model.tools.circuit()'
    );
    return this.tools.circuit(options);
  }

  /** What is wrong with the experts and with the routing of prompts, by default built-in ones; see `diagnoseModel`. */
  async diagnose(
    prompts?: Prompt | readonly Prompt[],
    options: Omit<DiagnoseModelOptions, 'prompts'> = {}
  ): Promise<Diagnosis> {
    const given = prompts === undefined ? {} : { prompts };
    return this._running(() => diagnoseModel(this, { ...options, ...given }));
  }

  /**
   * Top next tokens of each layer and each selected expert, as if the model ended there.
   *
   * @throws MoEDebuggerError 'input' for a prompt or an option that does not fit, 'edit', 'model-unsupported' where the
   * graph shows no residual stream, 'cancelled'
   */
  async lens(prompt: Prompt, options: LensOptions = {}): Promise<Lens> {
    return readLens(this.loaded, prompt, options);
  }

  /**
   * What the experts of a layer say: the tokens that each raises and lowers, against the mean of the layer's experts at the
   * same tokens and against these without the expert; the experts that raise a token; experts by groups of tokens.
   *
   * @throws MoEDebuggerError 'input' for a layer or an expert that does not exist, or for what does not fit,
   * 'model-unsupported', 'cancelled'
   */
  async layerVocabulary(
    options: LayerVocabularyOptions
  ): Promise<LayerVocabulary> {
    this.loaded.checkUsable();
    return this._running(() => layerVocabulary(this.loaded, options));
  }

  /**
   * The tokens that one expert raises and lowers most: where prompts chose it, by what it did, as `layerVocabulary`; without
   * prompts, by the weights of its neurons alone.
   *
   * @throws MoEDebuggerError 'input' when no token chose the expert, or for one that does not exist,
   * 'model-unsupported', 'cancelled'
   */
  async expertVocabulary(options: VocabularyOptions): Promise<ExpertVocabulary>;
  async expertVocabulary(options: NeuronOptions): Promise<NeuronVocabulary>;
  async expertVocabulary(
    options: VocabularyOptions | NeuronOptions
  ): Promise<ExpertVocabulary | NeuronVocabulary> {
    this.loaded.checkUsable();
    return 'prompts' in options
      ? expertVocabulary(this.loaded, options)
      : neuronVocabulary(this.loaded, options);
  }

  /**
   * Vectors of the residual stream from contrast prompts, to be used in `with({ steer })`.
   *
   * @throws MoEDebuggerError 'input' for prompts that do not fit, 'model-unsupported' where the graph shows no residual
   * stream, 'cancelled'
   */
  async steeringVectors(options: ContrastOptions): Promise<SteeringVectors> {
    return contrastVectors(this.loaded, options);
  }

  /**
   * Takes every expert away, one at a time, over many prompts: what that does to the predictions.
   *
   * @throws MoEDebuggerError 'input' for an option that does not fit, 'edit' naming a layer that cannot be ablated, 'tokenizer', 'capture',
   * 'engine'; SweepCancelled, with what there is so far, unless `onCancel` asks for that as the result
   */
  async sweep(
    prompts: Prompt | readonly Prompt[],
    options?: SweepOptions
  ): Promise<SweepResult> {
    return this._running(() =>
      sweep(this.loaded, promptList(prompts), options)
    );
  }

  /**
   * What follows from edits: one run as the model is, one with them, how routing and output differ, and by which experts
   * the change went.
   *
   * @throws MoEDebuggerError 'edit' naming the layer and what is possible there, 'input', 'tokenizer', 'capture',
   * 'cancelled'
   */
  async counterfactual(
    prompt: Prompt,
    edits: Edits,
    options: CounterfactualOptions = {}
  ): Promise<Counterfactual> {
    return this._running(() =>
      runCounterfactual(this.loaded, prompt, edits, options)
    );
  }

  /**
   * The experts that a condition on the output depends on, more than on others of their layer and load: each is ablated over
   * many prompts, and so are as many tokens of other experts. Effects come with intervals, and p-values are adjusted for
   * the number of experts.
   *
   * @throws MoEDebuggerError 'edit', 'input' or 'tokenizer' for what does not fit, 'engine', 'cancelled'
   */
  async causalExperts(
    prompts: Prompt | readonly Prompt[],
    options: CausalityOptions
  ): Promise<CausalityResult> {
    return this._running(() =>
      causalExperts(
        this.loaded,
        promptList(prompts),
        options,
        (edits, prompt, settings) => this.with(edits).generate(prompt, settings)
      )
    );
  }

  /**
   * Writes on from prompts, greedily unless a temperature is given, with the routing of every token.
   *
   * @param prompt as for `trace`; a list gives a list of generations in its order
   * @throws MoEDebuggerError 'input' or 'tokenizer' for a prompt or an option that does not fit, 'capture',
   * 'engine'; GenerationCancelled, with what there is so far, unless `onCancel` asks for that as the result
   */
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
      this.loaded,
      this._target,
      prompts,
      options
    );
    return promptList(prompts) === prompts ? generations : generations[0];
  }

  /** Frees the model's memory; it cannot be run afterwards. Can be called twice. */
  async dispose(): Promise<void> {
    sessionStore().setStatus(this.id, 'disposed');
    await this.loaded.dispose();
  }

  override toString(): string {
    return formatDescription(this.description);
  }

  [MIMEBUNDLE](): JsonObject {
    return {
      'text/plain': this.toString(),
      'text/markdown': markdownDescription(this.description)
    };
  }

  protected readonly _target: Target = async () => this.loaded;

  protected get _loaded(): LoadedModel {
    return this.loaded;
  }

  protected get _runnable(): Runnable {
    return this.loaded;
  }

  /** Others see that the model is busy while it works. */
  private _running<T>(work: () => Promise<T>): Promise<T> {
    return observerOf(this.loaded).running(work);
  }
}
