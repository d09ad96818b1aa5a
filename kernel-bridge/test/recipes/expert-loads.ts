import type { ModelHandle } from '../../src/run/model/loaded-model';
import { traceOn } from '../../src/run/generation/run-prompts';
import type { RoutingTrace } from '../../src/run/trace/routing-trace';
import { promptOf } from '../../src/views/tools/tool-prompt';
import { ModelTool } from '../../src/views/tools/model-tool';
import {
  describeLoads,
  readLoadsAction,
  type LoadsAction,
  type LoadsState
} from './loads-view';

export interface ExpertLoadsOptions {
  /** A run whose prompt is used. */
  trace?: RoutingTrace;
}

/** How many tokens of a prompt each expert takes. */
export class ExpertLoads extends ModelTool<LoadsState, LoadsAction> {
  readonly name = 'loads';

  /** @internal use `model.tools`. Runs nothing: that begins at `trace`, or when the user asks for it. */
  constructor({ loaded }: ModelHandle, { trace }: ExpertLoadsOptions = {}) {
    const prompt = trace ? promptOf(loaded, trace) : '';
    super(loaded, { running: false, prompt, loads: null, refusal: null });
  }

  /** Traces a prompt. Resolves when done; an error goes to the state's `refusal`. */
  trace(prompt: string): Promise<void> {
    this._set({ prompt, refusal: null });
    return this._run(async signal => {
      const input = this._input(prompt);
      const target = async () => this.model;
      const { samples } = await traceOn(this.model, target, input, { signal });
      this._set({
        loads: samples[0].layers.map(({ layer, stack, experts, selected }) => {
          const tokens = Array<number>(experts).fill(0);
          // -1 stands for a slot without an expert.
          selected.forEach(expert => expert >= 0 && tokens[expert]++);
          return { layer, ...(stack ? { stack } : {}), tokens };
        })
      });
    });
  }

  override toString(): string {
    return describeLoads(this.model.name, this.state);
  }

  protected _read(action: unknown): LoadsAction {
    return readLoadsAction(action);
  }

  protected _do(action: LoadsAction): void {
    void (action.do === 'trace' ? this.trace(action.prompt) : this.cancel());
  }
}
