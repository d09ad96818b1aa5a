/** What a model can be asked about why it does what it does, beside running it. */
import {
  attribute,
  changeNeurons,
  findCircuit,
  findHeads,
  findTaskCircuit,
  neuronEffects,
  patchModel,
  readAttention,
  readPipelines
} from '../analyses/on-demand';
import type { ExpertPipelines } from '../analyses/behaviour/pipelines-result';
import type { PipelineOptions } from '../analyses/behaviour/pipeline-options';
import type { AttentionRecord } from '../analyses/attention/attention-record';
import type { FindHeadsOptions } from '../analyses/attention/find-heads';
import type { HeadsResult } from '../analyses/attention/heads-result';
import type { AttentionOptions } from '../analyses/attention/read-attention';
import type { Attribution } from '../analyses/attribution/attribution';
import type { AttributeOptions } from '../analyses/attribution/options';
import type { Circuit } from '../analyses/circuits/circuit';
import type { CircuitOptions } from '../analyses/circuits/options';
import type {
  PromptPair,
  TaskCircuitOptions
} from '../analyses/circuits/task/options';
import type { TaskCircuit } from '../analyses/circuits/task/task-circuit';
import type { ChangedNeurons } from '../analyses/neurons/change-neurons';
import type { NeuronEffects } from '../analyses/neurons/neurons-result';
import type {
  ChangeNeuronsOptions,
  NeuronEffectOptions
} from '../analyses/neurons/options';
import type {
  Corrupted,
  NodeCell,
  PatchOptions
} from '../analyses/patching/options';
import type { PatchedCell } from '../analyses/patching/patch-cells';
import type { Target } from '../run/generation/run-prompts';
import type { LoadedModel } from '../run/model/loaded-model';
import type { Runnable } from '../run/model/runnable';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { tracePrompts, type TraceOptions } from '../run/trace/trace-prompts';
import {
  promptList,
  type Prompt,
  type TokenizedPrompt
} from '../run/model/prompt';

export abstract class ExplainedModel {
  /** @internal what traces run on */
  protected abstract readonly _target: Target;

  /** @internal what explanations run: the model, or the model with edits */
  protected abstract readonly _runnable: Runnable;

  /** @internal the model itself */
  protected abstract readonly _loaded: LoadedModel;

  /**
   * Which tokens, layers or experts a logit or a routing decision comes from.
   *
   * @throws MoEDebuggerError 'input' for a prompt, a target or an option that does not fit, 'gradient' naming a node
   * that cannot be differentiated, or where memory would not suffice; 'cancelled'
   */
  async attribute(
    prompt: Prompt,
    options: AttributeOptions = {}
  ): Promise<Attribution> {
    return attribute(this._runnable, prompt, options);
  }

  /**
   * What each head of each layer attends to: probabilities, [heads, queries, keys].
   *
   * @throws MoEDebuggerError 'input' for a prompt that does not fit or is too long, 'model-unsupported' where the graph
   * shows no attention, 'gradient' where it has no form in plain operators; 'cancelled'
   */
  async attention(
    prompt: Prompt,
    options: AttentionOptions = {}
  ): Promise<AttentionRecord> {
    return readAttention(this._runnable, prompt, options);
  }

  /**
   * Induction, previous-token and duplicate-token heads, by what heads attend to in random tokens that are repeated.
   *
   * @throws MoEDebuggerError as `attention`, and 'input' for an option that does not fit
   */
  async findHeads(options: FindHeadsOptions = {}): Promise<HeadsResult> {
    return findHeads(this._runnable, options);
  }

  /**
   * Experts that follow each other on the same tokens from layer to layer more often than chance has it, with corrected
   * p-values; and what the earlier one's output does to the later one's score, by gradients.
   *
   * @throws MoEDebuggerError 'input' or 'tokenizer' for a prompt or an option that does not fit, 'capture', 'engine',
   * 'cancelled'
   */
  async expertPipelines(
    prompts: Prompt | readonly Prompt[],
    options: PipelineOptions = {}
  ): Promise<ExpertPipelines> {
    const list = promptList(prompts).map((prompt, i) =>
      this._loaded.tokenize(prompt, i)
    );
    return readPipelines(this._runnable, this._trace, list, options);
  }

  /**
   * By which heads, experts and edges between them the difference between two prompts reaches a target: to first order
   * for all, measured for the strongest, and how much of the model circuits of growing size do.
   *
   * @param corrupted a prompt of as many tokens as `clean`, or `{ embeddings: 'zero' | 'mean' }`
   * @throws MoEDebuggerError 'input' for prompts, a target or an option that does not fit, 'model-unsupported' where the
   * residual stream is no sum of what is added to it, 'gradient' naming a node that cannot be differentiated, or where
   * memory would not suffice; 'cancelled'
   */
  async circuit(
    clean: Prompt,
    corrupted: Corrupted,
    options: CircuitOptions = {}
  ): Promise<Circuit> {
    return findCircuit(this._runnable, clean, corrupted, options);
  }

  /**
   * The same over a task: the circuit of the mean effects in many pairs, how sure each node and edge is, CPR and CMD on
   * held-out pairs, and directions of the residual stream that tell clean from corrupted prompts.
   *
   * @throws MoEDebuggerError as `circuit`, naming the pair
   */
  async taskCircuit(
    pairs: readonly PromptPair[],
    options: TaskCircuitOptions = {}
  ): Promise<TaskCircuit> {
    return findTaskCircuit(this._runnable, pairs, options);
  }

  /**
   * Attribution patching: what patching each node would change the target by, at each token, from one backward pass, and
   * what it does for the strongest ones. A circuit without edges.
   */
  async attributionPatching(
    clean: Prompt,
    corrupted: Corrupted,
    options: Omit<CircuitOptions, 'edges'> = {}
  ): Promise<Circuit> {
    return findCircuit(this._runnable, clean, corrupted, {
      steps: 1,
      faithfulness: false,
      ...options,
      edges: false
    });
  }

  /**
   * Runs the model with activations of another prompt, each patch alone: what it changes the target by.
   *
   * @param cells names of nodes as circuits have them ("layer 3 head 1", "layer 2 expert 5", "layer 0 residual"), at one
   * token or at all
   */
  async patch(
    clean: Prompt,
    corrupted: Corrupted,
    cells: readonly NodeCell[],
    options: PatchOptions = {}
  ): Promise<PatchedCell[]> {
    return patchModel(this._runnable, clean, corrupted, cells, options);
  }

  /**
   * Which neurons of an expert matter for a target: what clamping each would change it by, to first order, and measured
   * for the strongest and for random ones.
   *
   * @throws MoEDebuggerError 'input' for a prompt, an expert or an option that does not fit, or where no token selects the
   * expert; 'model-unsupported' naming an expert whose hidden units the graph does not show, such as a fused one;
   * 'gradient', 'cancelled'
   */
  async neuronEffects(
    prompt: Prompt,
    options: NeuronEffectOptions
  ): Promise<NeuronEffects> {
    return neuronEffects(this._runnable, this._trace, prompt, options);
  }

  /**
   * What if neurons of an expert had fired: the target with some clamped or scaled, or with a direction of the expert's
   * hidden space added, at all tokens that select the expert.
   *
   * @throws MoEDebuggerError as `neuronEffects`, and 'input' for a neuron or a vector that does not fit
   */
  async changeNeurons(
    prompt: Prompt,
    options: ChangeNeuronsOptions
  ): Promise<ChangedNeurons> {
    return changeNeurons(this._runnable, this._trace, prompt, options);
  }

  private readonly _trace = (
    prompts: readonly TokenizedPrompt[],
    options: TraceOptions
  ): Promise<RoutingTrace> =>
    tracePrompts(this._loaded, this._target, prompts, options);
}
