/** Sweep view: the effect of ablating each expert, layer by expert, and the tokens that change. */
import { sweep } from '../../analyses/on-demand';
import { observerOf } from '../../run/trace/observer';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import {
  describeSweep,
  readSweepAction,
  type SweepAction,
  type SweepMode,
  type SweepState
} from '../../base/protocol';
import type { SweepOptions } from '../../analyses/sweep/options';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { promptLines, promptOf, type ToolPrompt } from './tool-prompt';
import { ModelTool } from './model-tool';

export interface SweepViewOptions extends Pick<
  SweepOptions,
  'layers' | 'experts' | 'keepTokens' | 'batchSize'
> {
  /** Prompts of the sweep. Default: the trace's prompt, or those that the user types. */
  prompts?: ToolPrompt | readonly ToolPrompt[];
  /** Default 'mask'. */
  mode?: SweepMode;
  /** A run whose prompt is used if there are none. */
  trace?: RoutingTrace;
}

/** Minimum time between partial results: each contains the whole table. */
const MILLISECONDS_BETWEEN_PICTURES = 400;
/** Large sweeps keep fewer tokens per expert: the state is sent and stored as a whole. */
const LARGE_SWEEP = 1024;
const TOKENS_OF_LARGE_SWEEP = 2;

export class SweepView extends ModelTool<SweepState, SweepAction> {
  readonly name = 'sweep';
  private readonly _options: SweepViewOptions;

  /** @internal use `model.tools`. Runs nothing: that begins at `sweep`, or when a person asks for it. */
  constructor({ loaded: model }: ModelHandle, options: SweepViewOptions = {}) {
    const { prompts, mode = 'mask', trace, ...rest } = options;
    super(model, {
      running: false,
      prompts:
        prompts === undefined
          ? trace
            ? oneLine(model, trace)
            : ''
          : promptLines(model, prompts),
      mode,
      sweep: null,
      refusal: null
    });
    const cells = model.description.layers.reduce(
      (sum, card) => sum + (card.moe ? card.experts : 0),
      0
    );
    this._options = {
      keepTokens: cells > LARGE_SWEEP ? TOKENS_OF_LARGE_SWEEP : undefined,
      ...rest
    };
  }

  /** Runs the sweep. Resolves when done or cancelled, and keeps the result so far. An error goes to the state. */
  sweep(): Promise<void> {
    const { prompts, mode } = this.state;
    const lines = prompts.split('\n').filter(line => line.trim() !== '');
    return this._run(async signal => {
      this._set({ refusal: null, sweep: null });
      let shown = performance.now();
      const result = await observerOf(this.model).running(() =>
        sweep(
          this.model,
          lines.map(line => this._input(line)),
          {
            ...this._options,
            mode,
            signal,
            onCancel: 'return',
            onProgress: ({ done, total, partial }) => {
              const now = performance.now();
              if (now - shown > MILLISECONDS_BETWEEN_PICTURES && done < total) {
                shown = now;
                this._set({ sweep: partial().toJSON() });
              }
            }
          }
        )
      );
      this._set({ sweep: result.toJSON() });
    });
  }

  /** Uses another trace, if nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { sweep, running } = this.state;
    if (!sweep && !running) {
      this._set({ prompts: oneLine(this.model, trace) });
    }
  }

  override toString(): string {
    return describeSweep(this.model.name, this.state);
  }

  protected override _shown(): void {
    if (this.state.sweep === null && this.state.prompts !== '') {
      void this.sweep();
    }
  }

  protected _read(action: unknown): SweepAction {
    return readSweepAction(action);
  }

  protected _do(action: SweepAction): void {
    if (action.do === 'sweep') {
      this._set({ prompts: action.prompts, mode: action.mode });
      void this.sweep();
    } else {
      void this.cancel();
    }
  }
}

/** Replaces line breaks, which separate prompts here. */
function oneLine(model: LoadedModel, trace: RoutingTrace): string {
  return promptOf(model, trace).replace(/\s*\n\s*/g, ' ');
}
