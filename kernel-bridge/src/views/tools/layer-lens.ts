/** Layer lens: the top tokens of each layer and each selected expert, for a chosen token. */
import { readLens } from '../../analyses/on-demand';
import type { ModelHandle } from '../../run/model/loaded-model';
import {
  describeLens,
  readLensAction,
  type LensAction,
  type LensState
} from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { firstPrompt, promptOf, type ToolPrompt } from './tool-prompt';
import { ModelTool } from './model-tool';

export interface LayerLensOptions {
  /** Prompt to read. Default: the trace's prompt, or one that the user types. */
  prompt?: ToolPrompt;
  /** A run whose prompt is used. */
  trace?: RoutingTrace;
  /** Tokens of each distribution. Default 6. */
  top?: number;
}

/** Number of last positions to read, to keep the output small. */
const MAX_POSITIONS = 64;

export class LayerLens extends ModelTool<LensState, LensAction> {
  readonly name = 'lens';
  private readonly _top: number;

  /** @internal use `model.tools`. Runs nothing: that begins when it is shown with a prompt, or at `read`. */
  constructor({ loaded: model }: ModelHandle, options: LayerLensOptions = {}) {
    const { prompt, trace, top = 6 } = options;
    super(model, {
      running: false,
      prompt: firstPrompt(model, prompt, trace),
      lens: null,
      done: 0,
      total: 0,
      refusal: null
    });
    this._top = top;
  }

  /** Reads the prompt. Resolves when done; an error goes to the state's `refusal`. */
  read(): Promise<void> {
    const { prompt } = this.state;
    return prompt === ''
      ? Promise.resolve()
      : this._run(async signal => {
          this._set({ refusal: null, done: 0, total: 0 });
          const input = this._input(prompt);
          const count = this.model.tokenizer
            ? this.model.tokenizer.encode(prompt).length
            : input.length;
          const first = Math.max(0, count - MAX_POSITIONS);
          const { data } = await readLens(this.model, input, {
            top: this._top,
            positions:
              first === 0
                ? 'all'
                : Array.from({ length: MAX_POSITIONS }, (_, i) => first + i),
            signal,
            onProgress: ({ done, total }) => this._set({ done, total })
          });
          this._set({ lens: data });
        });
  }

  /** Uses another trace, if nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { lens, running } = this.state;
    if (!lens && !running) {
      this._set({ prompt: promptOf(this.model, trace) });
    }
  }

  override toString(): string {
    return describeLens(this.model.name, this.state);
  }

  protected override _shown(): void {
    if (this.state.lens === null) {
      void this.read();
    }
  }

  protected _read(action: unknown): LensAction {
    return readLensAction(action);
  }

  protected _do(action: LensAction): void {
    if (action.do === 'read') {
      this._set({ prompt: action.prompt });
      void this.read();
    } else {
      void this.cancel();
    }
  }
}
