/**
 * What experts of one layer do to the next-token distribution at the tokens that select them: the model runs once more without
 * the expert's output, and once with the mean output of the layer's experts in its place, so that effects through later
 * layers count. Beside it, the direct effect on the logits (Elhage et al. 2021): final norm and unembedding alone.
 */
import { MoEDebuggerError } from '../../../base/errors';
import { logSumExp } from '../../../base/statistics/logits';
import {
  outputsAndMean,
  type OutputsAndMean
} from '../../../run/activations/expert-outputs';
import {
  recordActivations,
  type Activations
} from '../../../run/activations/record-activations';
import type { EditedRun } from '../../../run/edits/edited-session';
import { probedSession } from '../../../run/edits/edited-sessions';
import type { Edits } from '../../../run/edits/edits';
import type { LoadedModel } from '../../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../../run/model/prompt';
import { project } from '../project';
import { LAST_TOKEN_ONLY } from './ablation-evidence';
import { TokenGains } from './token-gains';

/** An expert's effects in one prompt, summed over the tokens that select it. */
export interface ExpertEffect {
  expert: number;
  tokens: number;
  /** [vocabulary]: logits with the expert minus those without it, its direct effect. */
  change: Float64Array;
  /** Against the same tokens without the expert. */
  without: TokenGains;
  /** Against the mean of the layer's experts in its place. Undefined where that is unknown. */
  contrast?: TokenGains;
}

export interface PromptEffects {
  /** Tokens of the prompt. */
  tokens: number;
  meanOf: OutputsAndMean['meanOf'];
  effects: ExpertEffect[];
}

export interface EffectOptions {
  router: number;
  /** Which experts are asked about. */
  experts: readonly number[];
  vocabulary: number;
  /** 'direct': later layers stay as they are. */
  effect: 'total' | 'direct';
  edits: Edits;
  signal?: AbortSignal;
}

/**
 * Whether the total effect can be measured: the stream after the layer takes an added vector, and there are logits at every
 * token. A text says why not.
 */
export async function totalEffectRefusal(
  model: LoadedModel,
  router: number,
  { logits, residual }: Activations,
  vocabulary: number,
  tokens: number
): Promise<string | undefined> {
  if (logits!.length !== tokens * vocabulary) {
    return LAST_TOKEN_ONLY;
  }
  const { layer, stack } = model.routers[router];
  const width = residual.at(-1)!.values.length / tokens;
  try {
    await probedSession(model)
      .resolve({ steer: [{ layer, stack, vector: new Float32Array(width) }] })
      .run();
    return undefined;
  } catch (error) {
    if (error instanceof MoEDebuggerError && error.code === 'edit') {
      return error.message;
    }
    throw error;
  }
}

export async function expertEffects(
  model: LoadedModel,
  target: EditedRun,
  prompt: TokenizedPrompt,
  options: EffectOptions
): Promise<PromptEffects> {
  const { router, experts, edits, signal } = options;
  const recorded = await recordActivations(
    model,
    target,
    prompt,
    { residual: true, outputs: [router], logits: options.effect === 'total' },
    signal
  );
  const routing = recorded.routing[router];
  const { selected, weights, topK } = routing;
  const tokens = selected.length / topK;
  const serving = experts.filter(expert => selected.includes(expert));
  if (serving.length === 0) {
    return { tokens, meanOf: null, effects: [] };
  }
  const { outputs, routed, mean, meanOf, width } = await outputsAndMean(
    model,
    prompt,
    { router, routing, added: recorded.outputs.get(router)! },
    new Set(serving),
    { edits, signal }
  );
  const measured = new PromptRuns(model, prompt, recorded, width, options);
  await measured.weighWithout(routed);
  const effects: ExpertEffect[] = [];
  for (const expert of serving) {
    const own = outputs.get(expert);
    const slots = [...selected.keys()].filter(
      slot => selected[slot] === expert && weights[slot] !== 0
    );
    if (!own || slots.length === 0) {
      continue;
    }
    const at = slots.map(slot => Math.floor(slot / topK));
    const removed = slots.map((slot, i) =>
      own
        .subarray(at[i] * width, (at[i] + 1) * width)
        .map(value => -weights[slot] * value)
    );
    const replaced =
      mean &&
      removed.map((vector, i) =>
        vector.map(
          (value, d) => value + weights[slots[i]] * mean[at[i] * width + d]
        )
      );
    const change = await measured.change(at, removed);
    effects.push({
      expert,
      tokens: slots.length,
      change,
      without: await measured.gains(at, removed),
      ...(replaced ? { contrast: await measured.gains(at, replaced) } : {})
    });
  }
  return { tokens, meanOf, effects };
}

/** Runs of one prompt with vectors added to the stream after the layer at some tokens. */
class PromptRuns {
  /** [tokens, vocabulary] */
  private _weights = new Float32Array();

  constructor(
    private readonly _model: LoadedModel,
    private readonly _prompt: TokenizedPrompt,
    private readonly _recorded: Activations,
    private readonly _width: number,
    private readonly _options: EffectOptions
  ) {}

  /** Logits of the stream as it is minus those of the stream with the vectors, summed over the tokens. */
  async change(
    at: readonly number[],
    vectors: readonly Float32Array[]
  ): Promise<Float64Array> {
    const change = new Float64Array(this._options.vocabulary);
    await this._project(at, vectors, (logits, i) => {
      const sign = i % 2 === 0 ? 1 : -1;
      for (let id = 0; id < logits.length; id++) {
        change[id] += sign * logits[id];
      }
    });
    return change;
  }

  async gains(
    at: readonly number[],
    vectors: readonly Float32Array[]
  ): Promise<TokenGains> {
    const { vocabulary, effect } = this._options;
    const gains = new TokenGains(vocabulary);
    if (effect === 'direct') {
      let present = new Float32Array();
      await this._project(at, vectors, (logits, i) => {
        if (i % 2 === 0) {
          present = logits.slice();
        } else {
          this._add(gains, at[i >> 1], present, logits);
        }
      });
      return gains;
    }
    const logits = await this._logitsWith(at, vectors);
    for (const t of at) {
      this._add(
        gains,
        t,
        rowOf(this._recorded.logits!, t, vocabulary),
        rowOf(logits, t, vocabulary)
      );
    }
    return gains;
  }

  /**
   * Takes as weights of tokens their probability without any routed expert of the layer.
   * @param routed [tokens, width]: what these add
   */
  async weighWithout(routed: Float32Array): Promise<void> {
    const { vocabulary, effect } = this._options;
    const width = this._width;
    const at = [...this._ids.keys()];
    const vectors = at.map(t => rowOf(routed, t, width).map(value => -value));
    const probabilities = new Float32Array(at.length * vocabulary);
    const keep = (logits: Float32Array, t: number): void => {
      const total = logSumExp(logits);
      probabilities.set(
        logits.map(logit => Math.exp(logit - total)),
        t * vocabulary
      );
    };
    if (effect === 'direct') {
      await this._project(at, vectors, (logits, i) => {
        if (i % 2 === 1) {
          keep(logits, at[i >> 1]);
        }
      });
    } else {
      const logits = await this._logitsWith(at, vectors);
      at.forEach(t => keep(rowOf(logits, t, vocabulary), t));
    }
    this._weights = probabilities;
  }

  private _add(
    gains: TokenGains,
    t: number,
    present: Float32Array,
    reference: Float32Array
  ): void {
    gains.add(
      present,
      reference,
      rowOf(this._weights, t, this._options.vocabulary),
      this._ids[t + 1]
    );
  }

  /** The logits of a run with the vectors added after the layer. */
  private async _logitsWith(
    at: readonly number[],
    vectors: readonly Float32Array[]
  ): Promise<Float32Array> {
    const { router, edits, signal } = this._options;
    const { layer, stack } = this._model.routers[router];
    const steer = at.map((t, i) => ({
      layer,
      ...(stack ? { stack } : {}),
      vector: vectors[i],
      tokens: [t, t + 1] as const
    }));
    const target = await probedSession(this._model)
      .resolve({ ...edits, steer: [...(edits.steer ?? []), ...steer] })
      .run();
    const { logits } = await recordActivations(
      this._model,
      target,
      this._prompt,
      { logits: true },
      signal
    );
    return logits!;
  }

  private get _ids(): readonly number[] {
    return this._prompt.decoderIds ?? this._prompt.ids;
  }

  /** The final norm and unembedding of each token's stream, without and with its vector. */
  private _project(
    at: readonly number[],
    vectors: readonly Float32Array[],
    each: (logits: Float32Array, index: number) => void
  ): Promise<void> {
    const last = this._recorded.residual.at(-1)!.values;
    const width = this._width;
    const streams = new Float32Array(2 * at.length * width);
    at.forEach((t, i) => {
      const own = last.subarray(t * width, (t + 1) * width);
      streams.set(own, 2 * i * width);
      streams.set(
        own.map((value, d) => value + vectors[i][d]),
        (2 * i + 1) * width
      );
    });
    return project(this._model, streams, width, each, this._options.signal);
  }
}

/** A row of [rows, width]. */
function rowOf(values: Float32Array, row: number, width: number): Float32Array {
  return values.subarray(row * width, (row + 1) * width);
}
