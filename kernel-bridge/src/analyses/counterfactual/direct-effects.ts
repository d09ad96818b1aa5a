/** Measures direct effects: one run per change of routing, with all other routers held. */
import { editedSession } from '../../run/edits/edited-sessions';
import { diffRouting } from '../diff/routing-diff';
import type { Edits } from '../../run/edits/edits';
import { mixRouting, type RoutingPin } from '../../run/edits/routing-pin';
import { wholeSequence } from '../../run/model/inputs';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { tracePrompts, type TraceOptions } from '../../run/trace/trace-prompts';
import { tokensOf } from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import type { ExpertChanges, OutputEffect } from './causal-graph';
import { changesOf, wouldChange } from './choices';

/** Effect of one change with everything else held. */
export interface DirectEffect {
  /** By router. */
  experts: ExpertChanges[];
  output: OutputEffect;
}

const NOTHING: ReadonlySet<number> = new Set();

/** Tolerance for logits when a run is repeated with its own routing fed in. */
const SAME = 1e-3;

export class DirectEffects {
  /**
   * @param _base edits that the model has in every run
   * @param _original the prompt's trace with these alone, with all logits
   * @param _edited the trace with more edits, with all logits
   */
  constructor(
    private readonly _model: LoadedModel,
    private readonly _base: Edits,
    private readonly _prompt: TokenizedPrompt,
    private readonly _original: RoutingTrace,
    private readonly _edited: RoutingTrace,
    private readonly _options: Pick<TraceOptions, 'signal'>
  ) {}

  /** Whether the model held to its own selection reproduces its output; otherwise it cannot be held. */
  async reproduces(): Promise<boolean> {
    const held = await this._trace(this._base, this._pins());
    const [ours] = held.outputLogits.values();
    const [own] = this._original.outputLogits.values();
    return ours.data.every(
      (value, i) =>
        Object.is(value, own.data[i]) ||
        Math.abs(value - own.data[i]) <=
          SAME * Math.max(1, Math.abs(own.data[i]))
    );
  }

  /**
   * Direct effects of the edits on all routers that they do not act on.
   *
   * @param edits with those that the model has
   * @param acted by router
   */
  async ofEdits(
    edits: Edits,
    acted: readonly boolean[]
  ): Promise<DirectEffect> {
    const pins = this._pins().map((pin, i) => (acted[i] ? undefined : pin));
    const trace = await this._trace(edits, pins);
    const chosen = changesOf(diffRouting(this._original, trace));
    const effect = this._effect(trace);
    return {
      ...effect,
      experts: effect.experts.map((would, i) => (acted[i] ? chosen[i] : would))
    };
  }

  /** Direct effects of a change of one router at some positions. */
  async ofChange(
    router: number,
    positions: ReadonlySet<number>
  ): Promise<DirectEffect> {
    const pins: (RoutingPin | undefined)[] = this._pins();
    const [original] = this._original.samples;
    const layer = original.layers[router];
    const tokens = tokensOf(original, layer);
    pins[router] = mixRouting(
      layer,
      this._edited.samples[0].layers[router],
      new Set([...tokens.keys()].filter(t => positions.has(tokens[t].position)))
    );
    return this._effect(await this._trace(this._base, pins));
  }

  private _pins(): RoutingPin[] {
    return this._original.samples[0].layers.map(layer =>
      mixRouting(layer, layer, NOTHING)
    );
  }

  private _trace(
    edits: Edits,
    pins: readonly (RoutingPin | undefined)[]
  ): Promise<RoutingTrace> {
    return tracePrompts(
      this._model,
      editedSession(this._model).resolve(edits, pins).run,
      [this._prompt],
      { ...this._options, logits: 'all' }
    );
  }

  private _effect(trace: RoutingTrace): DirectEffect {
    const { samples, cards } = this._original;
    return {
      experts: wouldChange(
        samples[0],
        trace.samples[0],
        cards,
        editedSession(this._model)
          .resolve(this._base)
          .records.adjustments(wholeSequence(this._prompt))
      ),
      output: outputEffect(this._original, trace)
    };
  }
}

/** @param both with the logits of all tokens of one prompt */
export function outputEffect(
  original: RoutingTrace,
  other: RoutingTrace
): OutputEffect {
  const [{ output }] = diffRouting(original, other).samples;
  const kl = output.map(change => change.kl);
  const orNull = (value: number | undefined): number | null =>
    value !== undefined && Number.isFinite(value) ? value : null;
  return {
    mean: orNull(kl.reduce((sum, value) => sum + value, 0) / kl.length),
    last: orNull(kl.at(-1))
  };
}
