/** Runs a prompt with the hidden units of one expert as they are, and changed. */
import { MoEDebuggerError } from '../../base/errors';
import { layerName } from '../../base/protocol';
import { cancellable } from '../../run/engine/cancel';
import { toFloat32, toIntegers } from '../../run/engine/tensor-values';
import { checkMemory } from '../../run/gradients/memory';
import { gradientsOf } from '../../run/gradients/gradients-of';
import type { GradientRun } from '../../run/gradients/gradient-session';
import type { Gradients } from '../../run/gradients/model-gradients';
import type { Runnable } from '../../run/model/runnable';
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import type { TraceOptions } from '../../run/trace/trace-prompts';
import { DEFAULT_MEMORY_LIMIT } from '../attribution/options';
import { settleTarget, type SettledTarget } from '../patching/patch-target';
import { hiddenUnits, type HiddenUnits } from './hidden-units';
import { ownRows, rowsOf } from './own-rows';
import { changeFeeds, neuronGraph, type UnitChange } from './neuron-graph';
import type { ExpertUnitOptions } from './options';

/** Traces prompts on what explanations run. */
export type Trace = (
  prompts: readonly TokenizedPrompt[],
  options: TraceOptions
) => Promise<RoutingTrace>;

/** The activations of an expert, and the target's gradient by them. */
export interface UnitRows {
  /** [rows][neurons]; rows that no token fills are 0, and so are their slopes. */
  activations: Float32Array[];
  slopes: Float32Array[];
  /** Rows that tokens fill. */
  filled: number;
  /** Value of the target. */
  value: number;
}

export class UnitRuns {
  private constructor(
    readonly units: HiddenUnits,
    readonly target: SettledTarget,
    readonly prompt: TokenizedPrompt,
    /** Positions of the tokens that select the expert. */
    readonly positions: readonly number[],
    /** Number of these that give it a weight: others dropped it over capacity. */
    private readonly _kept: number,
    private readonly _gradients: Gradients,
    private readonly _options: ExpertUnitOptions
  ) {}

  /** @throws MoEDebuggerError as `hiddenUnits`, and 'input' where no token selects the expert */
  static async start(
    model: Runnable,
    trace: Trace,
    prompt: Prompt,
    options: ExpertUnitOptions
  ): Promise<UnitRuns> {
    const units = hiddenUnits(model, options);
    const { router, expert } = units;
    const where = `${layerName(router)}, expert ${expert}`;
    if (model.inputs.encoderDecoder) {
      throw new MoEDebuggerError(
        'model-unsupported',
        'hidden units of encoder-decoder models are not supported',
        { where, hint: 'attribute works on them' }
      );
    }
    const tokenized = model.tokenize(prompt);
    const target = await settleTarget(model, options, tokenized, undefined);
    const { samples } = await trace([tokenized], {
      signal: options.signal
    });
    const { selected, weights, topK } =
      samples[0].layers[model.routers.indexOf(router)];
    const slots = [...selected.keys()].filter(
      slot => selected[slot] === expert
    );
    const positions = [...new Set(slots.map(slot => Math.floor(slot / topK)))];
    const kept = slots.filter(slot => weights[slot] !== 0).length;
    if (positions.length === 0) {
      throw new MoEDebuggerError(
        'input',
        'no token of the prompt selects the expert, so its neurons do nothing',
        { where, hint: 'give a prompt of which a token selects it' }
      );
    }
    if (kept === 0) {
      throw new MoEDebuggerError(
        'input',
        'every token that selects the expert gives it the weight 0, as over capacity, so its neurons do nothing',
        { where, hint: 'give a prompt of which a token runs it' }
      );
    }
    return new UnitRuns(
      units,
      target,
      tokenized,
      positions,
      kept,
      gradientsOf(model),
      options
    );
  }

  /** The activations as they are, with the target's gradient. */
  async rows(): Promise<UnitRows> {
    const { tensor, rows, router, expert } = this.units;
    const also = rows.kind === 'gathered' ? [rows.ids] : [];
    const session = await cancellable(
      this._gradients.session({
        kind: this.target.kind,
        tensor: this.target.tensor,
        by: [tensor],
        tensors: [tensor, ...also]
      }),
      this._options.signal
    );
    if (!session.by.includes(tensor)) {
      throw new MoEDebuggerError(
        'input',
        'the target does not depend on the expert',
        {
          where: `${layerName(router)}, expert ${expert}`,
          hint: 'choose a target after its layer'
        }
      );
    }
    this._checkMemory(session.bytes({ batch: 1, tokens: this._tokens }));
    const found = await cancellable(
      session.run(this._run, {
        gradients: [tensor],
        tensors: [tensor, ...also]
      }),
      this._options.signal
    );
    const values = toFloat32(found.tensors.get(tensor)!);
    const { neurons } = this.units;
    const all = rowsOf(values, neurons);
    const slopes = rowsOf(toFloat32(found.gradients.get(tensor)!), neurons);
    const { indices, filled } = ownRows(
      this.units,
      all,
      slopes,
      rows.kind === 'gathered'
        ? toIntegers(found.tensors.get(rows.ids)!)
        : undefined,
      { tokens: this._tokens, positions: this.positions, kept: this._kept }
    );
    return {
      activations: indices.map(row => all[row]),
      slopes: indices.map(row => slopes[row]),
      filled,
      value: found.values[0]
    };
  }

  /** The target's value with the hidden units changed. */
  async changed(change: UnitChange): Promise<number> {
    const prepared = await cancellable(
      this._gradients.prepare(),
      this._options.signal
    );
    const session = await cancellable(
      this._gradients.session({
        kind: this.target.kind,
        tensor: this.target.tensor,
        forwardOnly: true,
        on: neuronGraph(prepared, this.units)
      }),
      this._options.signal
    );
    this._checkMemory(session.bytes({ batch: 1, tokens: this._tokens }));
    const { values } = await cancellable(
      session.run({ ...this._run, feeds: changeFeeds(this.units, change) }),
      this._options.signal
    );
    return values[0];
  }

  private get _run(): GradientRun {
    const { position, index, against } = this.target;
    return {
      sequence: this.prompt,
      position,
      index,
      ...(against === undefined ? {} : { against }),
      scales: [1]
    };
  }

  private get _tokens(): number {
    return this.prompt.ids.length;
  }

  private _checkMemory(bytes: number): void {
    checkMemory(bytes, this._options.memoryLimit ?? DEFAULT_MEMORY_LIMIT, {
      batch: 1,
      tokens: this._tokens
    });
  }
}
