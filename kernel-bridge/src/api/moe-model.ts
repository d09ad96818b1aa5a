/** A loaded MoE model: run it and see how it routes. */
import { randomUUID } from 'node:crypto';
import {
  causalExperts,
  type CausalityOptions
} from '../analyses/causality/causal-experts';
import type { CausalityResult } from '../analyses/causality/causality-result';
import type { Counterfactual } from '../analyses/counterfactual/counterfactual';
import {
  runCounterfactual,
  type CounterfactualOptions
} from '../analyses/counterfactual/run-counterfactual';
import { MoEDebuggerError } from '../base/errors';
import { EditedModel } from './edited-model';
import type { Edits } from '../run/edits/edits';
import { isFusedRouter } from '../run/edits/rewrite-fused';
import type { DiagnoseModelOptions, Diagnosis } from '../analyses/findings';
import { diagnoseModel } from '../analyses/findings/load-diagnose';
import { readEnding } from '../run/generation/ending';
import { generate } from '../run/generation/generate';
import type { Generation } from '../run/generation/generation';
import type { GenerateOptions } from '../run/generation/options';
import type { Lens } from '../analyses/lens/lens';
import {
  expertVocabulary,
  type ExpertVocabulary,
  type VocabularyOptions
} from '../analyses/lens/expert-vocabulary';
import {
  neuronVocabulary,
  type NeuronOptions,
  type NeuronVocabulary
} from '../analyses/lens/neuron-vocabulary';
import { readLens, type LensOptions } from '../analyses/lens/read-lens';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { sessionStore, type SessionStore } from './store';
import {
  contrastVectors,
  type ContrastOptions
} from '../analyses/steering/contrast-vectors';
import type { SteeringVectors } from '../analyses/steering/steering-vectors';
import type { SweepOptions } from '../analyses/sweep/options';
import { sweep } from '../analyses/sweep/sweep';
import type { SweepResult } from '../analyses/sweep/sweep-result';
import * as tools from '../views/tools';
import type { RoutingTrace } from '../run/trace/routing-trace';
import {
  formatDescription,
  markdownDescription,
  type LayerCard,
  type ModelDescription
} from '../run/model/description';
import { ExplainedModel } from './explained-model';
import { ModelInputs } from '../run/model/inputs';
import type { ModelOptions, ModelParts } from '../run/model/loaded-model';
import { promptList, tokenizePrompt, type Prompt } from '../run/model/prompt';
import { promptLimits } from '../run/model/prompt-limits';
import { tokensOf, type Tokenizer } from '../run/model/tokenizer';
import {
  tracePrompts,
  type RunTarget,
  type TraceOptions
} from '../run/model/trace-prompts';
import { logitsOutput } from '../run/model/vocabulary';

export class MoEModel extends ExplainedModel implements Displayable {
  /** Identifies the model within this process. */
  readonly id: string = randomUUID();
  readonly name: string;
  readonly description: ModelDescription;
  /** Undefined when the model has no tokenizer.json: prompts are token ids then. */
  readonly tokenizer: Tokenizer | undefined;
  /** @internal what analyses run the model with */
  readonly parts: ModelParts;
  private readonly _options: ModelOptions;
  private _disposed = false;

  constructor(options: ModelOptions) {
    super();
    this._options = options;
    this.name = options.onnx.name;
    this.description = options.description;
    this.tokenizer = options.tokenizer;
    const inputs = new ModelInputs(options.graph, options.config);
    const limits = promptLimits(options, inputs.encoderDecoder);
    this.parts = {
      ...options,
      inputs,
      logits: logitsOutput(options.onnx.proto.graph),
      tokenize: (prompt, index = 0) => {
        this._checkUsable();
        return tokenizePrompt(prompt, index, limits);
      },
      tokens: ids => tokensOf(options.tokenizer, ids)
    };
    sessionStore().addModel({
      id: this.id,
      name: this.name,
      path: options.onnx.file,
      routers: options.routers,
      openTool: (name, trace) => tools.createTool(name, this, trace)
    });
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
    return this.traceOn(() => Promise.resolve(this._options), prompts, options);
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
    this._checkUsable();
    const { rewritten, edited, routers } = this._options;
    return new EditedModel(
      this,
      rewriteFused && routers.some(isFusedRouter) ? rewritten : edited,
      edits
    );
  }

  /** A grid of layers and experts to edit, beside what the model writes with and without the edits. */
  experts(options: tools.ExpertSelectorOptions = {}): tools.ExpertSelector {
    this._checkUsable();
    return new tools.ExpertSelector(this, options);
  }

  /** What each layer and each selected expert would say, under a layer slider. */
  layerLens(options: tools.LayerLensOptions = {}): tools.LayerLens {
    this._checkUsable();
    return new tools.LayerLens(this, options);
  }

  /** Sliders over steering vectors, beside what the model writes with and without them. */
  steering(
    options: tools.SteeringControlsOptions = {}
  ): tools.SteeringControls {
    this._checkUsable();
    return new tools.SteeringControls(this, options);
  }

  /** What taking each expert away does, layer by expert, as it is measured. */
  sweepView(options: tools.SweepViewOptions = {}): tools.SweepView {
    this._checkUsable();
    return new tools.SweepView(this, options);
  }

  /** Which tokens a prediction or a routing decision comes from; what is explained is chosen by clicking. */
  tokenAttribution(
    options: tools.TokenAttributionOptions = {}
  ): tools.TokenAttribution {
    this._checkUsable();
    return new tools.TokenAttribution(this, options);
  }

  /** The heads and experts by which the difference between two prompts reaches a target, to prune and to patch. */
  circuitView(options: tools.CircuitViewOptions = {}): tools.CircuitView {
    this._checkUsable();
    return new tools.CircuitView(this, options);
  }

  /** What is wrong with the experts and with the routing of prompts, by default built-in ones; see `diagnoseModel`. */
  async diagnose(
    prompts?: Prompt | readonly Prompt[],
    options: Omit<DiagnoseModelOptions, 'prompts'> = {}
  ): Promise<Diagnosis> {
    const given = prompts === undefined ? {} : { prompts: promptList(prompts) };
    return this._running(() => diagnoseModel(this, { ...options, ...given }));
  }

  /**
   * What each layer, and each chosen expert, would say if the model ended there.
   *
   * @throws MoEDebuggerError 'input' for a prompt or an option that does not fit, 'edit', 'model-unsupported' where the
   * graph shows no residual stream, 'cancelled'
   */
  async lens(prompt: Prompt, options: LensOptions = {}): Promise<Lens> {
    return readLens(this.parts, prompt, options);
  }

  /**
   * The tokens that one expert raises and lowers most: where prompts chose it, by what it did; without prompts, by the
   * weights of its neurons alone.
   *
   * @throws MoEDebuggerError 'input' when no token chose the expert, 'edit' for one that does not exist,
   * 'model-unsupported', 'cancelled'
   */
  async expertVocabulary(options: VocabularyOptions): Promise<ExpertVocabulary>;
  async expertVocabulary(options: NeuronOptions): Promise<NeuronVocabulary>;
  async expertVocabulary(
    options: VocabularyOptions | NeuronOptions
  ): Promise<ExpertVocabulary | NeuronVocabulary> {
    this._checkUsable();
    return 'prompts' in options
      ? expertVocabulary(this.parts, options)
      : neuronVocabulary(this.parts, options);
  }

  /**
   * Vectors of the residual stream from contrast prompts, to be used in `with({ steer })`.
   *
   * @throws MoEDebuggerError 'input' for prompts that do not fit, 'model-unsupported' where the graph shows no residual
   * stream, 'cancelled'
   */
  async steeringVectors(options: ContrastOptions): Promise<SteeringVectors> {
    return contrastVectors(this.parts, options);
  }

  /**
   * Takes every expert away, one at a time, over many prompts: what that does to the predictions.
   *
   * @throws MoEDebuggerError 'edit' naming a layer or an expert that cannot be ablated, 'input', 'tokenizer', 'capture',
   * 'engine'; SweepCancelled, with what there is so far, unless `onCancel` asks for that as the result
   */
  async sweep(
    prompts: Prompt | readonly Prompt[],
    options?: SweepOptions
  ): Promise<SweepResult> {
    return this._running(() => sweep(this.parts, promptList(prompts), options));
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
      runCounterfactual(this.parts, prompt, edits, options)
    );
  }

  /**
   * The experts that a condition on the output depends on, more than on others of their layer and load: each ablated
   * over many prompts, compared with random experts, p-values adjusted for their number.
   *
   * @throws MoEDebuggerError 'edit', 'input' or 'tokenizer' for what does not fit, 'engine', 'cancelled'
   */
  async causalExperts(
    prompts: Prompt | readonly Prompt[],
    options: CausalityOptions
  ): Promise<CausalityResult> {
    return this._running(() =>
      causalExperts(
        this.parts,
        promptList(prompts),
        options,
        (edits, prompt, settings) => this.with(edits).generate(prompt, settings)
      )
    );
  }

  /** @internal */
  async traceOn(
    target: () => Promise<RunTarget>,
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions
  ): Promise<RoutingTrace> {
    const list = promptList(prompts).map((prompt, i) =>
      this.parts.tokenize(prompt, i)
    );
    return this._running(async store => {
      const trace = await tracePrompts(this.parts, target, list, options);
      store.addTrace(trace, this.id, list[0].label);
      return trace;
    });
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
    return this.generateOn(
      () => Promise.resolve(this._options),
      prompts,
      options
    );
  }

  /** @internal */
  async generateOn(
    target: () => Promise<RunTarget>,
    prompts: Prompt | readonly Prompt[],
    options: GenerateOptions
  ): Promise<Generation | Generation[]> {
    const list = promptList(prompts).map((prompt, i) =>
      this.parts.tokenize(prompt, i)
    );
    const generations = await this._running(async store =>
      generate(
        {
          ...this.parts,
          ...(await target()),
          name: this.name,
          ending: readEnding(this._options.config),
          onGeneration: ({ trace, prompt: label }) =>
            store.addTrace(trace, this.id, label)
        },
        list,
        options
      )
    );
    return promptList(prompts) === prompts ? generations : generations[0];
  }

  /** Frees the model's memory; it cannot be run afterwards. Can be called twice. */
  async dispose(): Promise<void> {
    if (!this._disposed) {
      this._disposed = true;
      sessionStore().setStatus(this.id, 'disposed');
      const { edited, rewritten, probed, head, growing, gradients } =
        this._options;
      await this._options.release();
      for (const held of [
        edited,
        rewritten,
        probed,
        head,
        growing,
        gradients
      ]) {
        await held.release();
      }
    }
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

  /** Others see that the model is busy while it works. */
  private _running<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    return sessionStore().whileRunning(this.id, work);
  }

  private _checkUsable(): void {
    if (this._disposed) {
      throw new MoEDebuggerError(
        'input',
        `the model ${this.name} was disposed`,
        { hint: 'load it again with loadModel' }
      );
    }
  }
}
