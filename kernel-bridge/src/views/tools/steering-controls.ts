/** Steering controls: sliders of vectors added to the residual stream, with the resulting text next to the original. */
import { editedSession } from '../../run/edits/edited-sessions';
import { contrastVectors } from '../../analyses/on-demand';
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import type { ModelHandle } from '../../run/model/loaded-model';
import {
  describeSteering,
  readSteeringAction,
  type ExpertRow,
  type SteeringAction,
  type SteeringRow,
  type SteeringState
} from '../../base/protocol';
import type { SteeringVectors } from '../../analyses/steering/steering-vectors';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import {
  editedTextState,
  EditedTextTool,
  type EditedTextOptions
} from './edited-text-tool';
import { firstPrompt, promptOf } from './tool-prompt';

export interface SteeringControlsOptions extends EditedTextOptions {
  /** Steering vectors. Default: computed from contrast prompts that the user types. */
  vectors?: SteeringVectors;
  /** A run whose prompt is used. */
  trace?: RoutingTrace;
}

export class SteeringControls extends EditedTextTool<
  SteeringState,
  SteeringAction
> {
  readonly name = 'steering';
  private _vectors?: SteeringVectors;

  /** @internal use `model.tools`. Runs nothing: that begins when it is shown with a prompt, or at `generate`. */
  constructor(
    { loaded: model }: ModelHandle,
    options: SteeringControlsOptions = {}
  ) {
    const { vectors, trace, ...texts } = options;
    super(
      model,
      {
        ...editedTextState(firstPrompt(model, texts.prompt, trace), texts),
        rows: vectors ? rowsOf(vectors) : [],
        contrast: null
      },
      texts
    );
    this._vectors = vectors;
  }

  /** The current steering vectors. */
  get vectors(): SteeringVectors | undefined {
    return this._vectors;
  }

  get edits(): Edits {
    const steer = this.state.rows.flatMap(({ layer, stack, scale }) =>
      scale === 0 || !this._vectors
        ? []
        : [this._vectors.at(layer, scale, stack ? { stack } : {})]
    );
    return steer.length > 0 ? { steer } : {};
  }

  /** Uses another trace, if nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { original, running } = this.state;
    if (!original && !running) {
      this._set({ prompt: promptOf(this.model, trace) });
    }
  }

  override toString(): string {
    return describeSteering(this.model.name, this.state);
  }

  protected get _rated(): readonly ExpertRow[] {
    return [];
  }

  protected get _places(): readonly SteeringRow[] {
    return this.state.rows;
  }

  protected _read(action: unknown): SteeringAction {
    return readSteeringAction(action);
  }

  protected _do(action: SteeringAction): void {
    switch (action.do) {
      case 'scale':
        this._scale(action.row, action.scale);
        break;
      case 'contrast':
        void this._run(signal =>
          this._build(action.positive, action.negative, signal)
        );
        break;
      case 'generate':
        this._begin(action.prompt, action.maxNewTokens);
        break;
      case 'cancel':
        void this.cancel();
        break;
    }
  }

  private _scale(row: number | null, scale: number): void {
    const before = this.state.rows;
    this._set({
      rows: before.map((own, i) =>
        row === null || i === row ? { ...own, scale } : own
      )
    });
    try {
      editedSession(this.model).resolve(this.edits);
    } catch (error) {
      this._set({ rows: before });
      this._refuse(error, row);
      return;
    }
    this._restart();
  }

  private async _build(
    positive: string,
    negative: string,
    signal: AbortSignal
  ): Promise<void> {
    this._set({ contrast: { positive, negative }, refusal: null });
    this._vectors = await contrastVectors(this.model, {
      positive: lines(positive),
      negative: lines(negative),
      signal
    });
    this._set({ rows: rowsOf(this._vectors), edited: null });
  }
}

/** One prompt per line. @throws MoEDebuggerError 'input' when there is none */
function lines(text: string): string[] {
  const found = text.split('\n').filter(line => line.trim() !== '');
  if (found.length === 0) {
    throw new MoEDebuggerError('input', 'a side of the contrast is empty', {
      hint: 'give at least one prompt on each side, one per line'
    });
  }
  return found;
}

function rowsOf({ vectors }: SteeringVectors): SteeringRow[] {
  return vectors.map(({ layer, stack, vector }) => ({
    layer,
    ...(stack ? { stack } : {}),
    norm: Number(Math.hypot(...vector).toPrecision(4)),
    scale: 0
  }));
}
