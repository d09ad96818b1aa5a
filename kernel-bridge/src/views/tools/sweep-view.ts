/** What taking each expert away does to the predictions, layer by expert, and to which tokens. */
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
import { promptOf } from './edited-text-tool';
import { ModelTool } from './model-tool';

export interface SweepViewOptions extends Pick<
  SweepOptions,
  'layers' | 'experts' | 'keepTokens' | 'batchSize'
> {
  /** What is swept over; without any, a person is to type them. */
  prompts?: readonly string[];
  /** Default 'mask'. */
  mode?: SweepMode;
  /** A run whose prompt is taken where there are none. */
  trace?: RoutingTrace;
}

/** A partial picture is sent no more often: it is the whole table each time. */
const MILLISECONDS_BETWEEN_PICTURES = 400;
/** Of large models fewer tokens are kept for each expert: the state travels, and is stored, whole. */
const MANY_CELLS = 1024;
const FEW_TOKENS = 2;

export class SweepView extends ModelTool<SweepState, SweepAction> {
  readonly name = 'sweep';
  private readonly _options: SweepViewOptions;

  /** @internal use `model.tools`. Runs nothing: that begins at `sweep`, or when a person asks for it. */
  constructor({ loaded: model }: ModelHandle, options: SweepViewOptions = {}) {
    const { prompts, mode = 'mask', trace, ...rest } = options;
    super(model, {
      running: false,
      prompts: prompts?.join('\n') ?? (trace ? oneLine(model, trace) : ''),
      mode,
      sweep: null,
      refusal: null
    });
    const cells = model.description.layers.reduce(
      (sum, card) => sum + (card.moe ? card.experts : 0),
      0
    );
    this._options = {
      keepTokens: cells > MANY_CELLS ? FEW_TOKENS : undefined,
      ...rest
    };
  }

  /** Sweeps. Settles at the end, or when it was cancelled; what there is stays. An error is told in the state. */
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

  /** Begins with another trace, while nothing was done yet. */
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

  protected _refuse(error: unknown): void {
    this._set({
      refusal: {
        text: error instanceof Error ? error.message : String(error),
        row: null
      }
    });
  }
}

/** Line breaks end a prompt here. */
function oneLine(model: LoadedModel, trace: RoutingTrace): string {
  return promptOf(model, trace).replace(/\s*\n\s*/g, ' ');
}
