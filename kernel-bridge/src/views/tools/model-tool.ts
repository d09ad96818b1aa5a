/** Base of all tools: state that is sent to views, actions that come back, one task at a time. */
import { cancelledError } from '../../run/engine/cancel';
import { watchTurns } from '../../run/engine/turns';
import { MoEDebuggerError } from '../../base/errors';
import {
  currentKernel,
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import type { LoadedModel } from '../../run/model/loaded-model';
import {
  MIME_TYPE,
  toolDocument,
  type Refusal,
  type ToolReception,
  type ToolState
} from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import {
  DOMWidget,
  type DOMWidgetState,
  type Widget
} from '../../show/widgets/widget';

/** Tokens arrive faster than a screen refreshes, and servers limit the message rate. */
const MILLISECONDS_BETWEEN_UPDATES = 30;

/** Until a tool says that the engine serves others first. Most turns come sooner, and a line that flickers disturbs. */
const PATIENCE = 500;

/** A tool says why it did not do what the user asked for. */
interface RefusingState extends ToolState {
  refusal: Refusal | null;
}

/** Receives the changed keys of the state, and what became of the actions. */
type Listener<State> = (
  patch: Partial<State>,
  reception: ToolReception
) => void;

/**
 * An interactive view of a model. It lives in the process of the model, with or without a kernel; an output or a panel
 * displays its state and sends the user's actions.
 */
export abstract class ModelTool<
  State extends RefusingState = RefusingState,
  Action = unknown
> implements Displayable {
  /** A `ToolName`: a method of `ModelTools` returns the tool. */
  abstract readonly name: string;
  private readonly _state: State;
  private readonly _listeners = new Set<Listener<State>>();
  private _pending: Partial<State> = {};
  private _timer?: NodeJS.Timeout;
  private _abort?: AbortController;
  private readonly _reception: ToolReception = { acted: 0, queued: false };
  private _work: Promise<void> = Promise.resolve();
  private _widget?: Widget;

  protected constructor(
    readonly model: LoadedModel,
    state: State
  ) {
    this._state = state;
  }

  /** Everything that a page needs to draw the tool: plain JSON. */
  get state(): Readonly<State> {
    return this._state;
  }

  /** @internal What a page is sent when it opens the tool. */
  get whole(): Readonly<State & ToolReception> {
    return { ...this._state, ...this._reception };
  }

  /**
   * Performs an action of a page. Never throws: errors go to the state, since nobody else would see them.
   */
  act(action: unknown): void {
    this._reception.acted++;
    // Pages are told at once that the action has arrived, whether it changes something or not.
    this._set({});
    try {
      this._do(this._read(action));
    } catch (error) {
      this._refuse(error);
    }
  }

  /**
   * Calls the listener with the changed keys and what became of the actions, at most some thirty times a second; returns a
   * function that removes it.
   */
  onChange(
    listener: (patch: Partial<State>, reception: ToolReception) => void
  ): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Offers a new trace of the model, for tools that start with one. */
  offer(_trace: RoutingTrace): void {
    // Most tools make their own.
  }

  /** Cancels the current task. Resolves when it has stopped and the model can be used. */
  async cancel(): Promise<void> {
    this._abort?.abort();
    await this._work;
  }

  /** The widget, for layout in other widgets. @throws MoEDebuggerError outside the kernel */
  get widget(): Widget {
    return (this._widget ??= this._makeWidget());
  }

  /** The output contains all that is needed without a kernel; with one it follows the widget. */
  [MIMEBUNDLE](): JsonObject {
    const widget = currentKernel() ? this.widget.modelId : undefined;
    this._shown();
    return {
      [MIME_TYPE]: toolDocument(
        this.name,
        this.model.name,
        this._state,
        widget
      ),
      'text/plain': this.toString()
    };
  }

  /** @throws ProtocolError */
  protected abstract _read(action: unknown): Action;
  protected abstract _do(action: Action): void;
  /**
   * Puts the reason for a rejected action into the state.
   *
   * @param row index of the layer that it is about; null for none
   */
  protected _refuse(error: unknown, row: number | null = null): void {
    const text = error instanceof Error ? error.message : String(error);
    this._set({ refusal: { text, row } } as Partial<State>);
  }

  /** Called before the tool is displayed for the first time. */
  protected _shown(): void {
    // Most tools wait for the user.
  }

  protected _set(patch: Partial<State>): void {
    Object.assign(this._state, patch);
    Object.assign(this._pending, patch);
    this._timer ??= setTimeout(
      () => this._flush(),
      MILLISECONDS_BETWEEN_UPDATES
    ).unref();
  }

  /** Cancels the current task and runs `task` after it. Resolves when it is done; errors go to the state. */
  protected _run(task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this._abort?.abort();
    const abort = new AbortController();
    this._abort = abort;
    const before = this._work;
    this._work = (async () => {
      await before;
      if (abort.signal.aborted) {
        return;
      }
      this._set({ running: true } as Partial<State>);
      try {
        await this._watched(() => task(abort.signal));
      } catch (error) {
        if (!isCancelled(error)) {
          this._refuse(error);
        }
      } finally {
        if (this._abort === abort) {
          this._set({ running: false } as Partial<State>);
          this._flush();
        }
      }
    })();
    return this._work;
  }

  /**
   * Converts typed text to the model's input: token ids if it has no tokenizer.
   * @throws MoEDebuggerError 'input'
   */
  protected _input(prompt: string): string | number[] {
    if (this.model.tokenizer) {
      return prompt;
    }
    const ids = prompt.split(/[\s,]+/).filter(Boolean);
    if (!ids.every(id => /^\d+$/.test(id))) {
      throw new MoEDebuggerError('input', 'the model has no tokenizer', {
        where: 'prompt',
        hint: 'give token ids, as in 1, 2, 3'
      });
    }
    return ids.map(Number);
  }

  private _flush(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const patch = this._pending;
    this._pending = {};
    for (const listener of this._listeners) {
      listener(patch, { ...this._reception });
    }
    void this._widget?.set({ ...patch, ...this._reception } as JsonObject);
  }

  /** Says so while the engine serves others before the task, unless its turn comes soon. */
  private async _watched(task: () => Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const say = (queued: boolean): void => {
      if (queued !== this._reception.queued) {
        this._reception.queued = queued;
        this._set({});
      }
    };
    const onTurn = (waits: boolean): void => {
      clearTimeout(timer);
      if (waits) {
        timer = setTimeout(() => say(true), PATIENCE).unref();
      } else {
        say(false);
      }
    };
    try {
      await watchTurns(onTurn, task);
    } finally {
      onTurn(false);
    }
  }

  private _makeWidget(): Widget {
    const widget = new DOMWidget<DOMWidgetState & JsonObject>(
      { model: 'ModelToolModel', view: 'ModelToolView' },
      {
        tool: this.name,
        model_name: this.model.name,
        ...this.whole
      }
    );
    widget.onCustom(action => this.act(action));
    return widget;
  }
}

/** @throws MoEDebuggerError 'cancelled' */
export function checkGoing(signal: AbortSignal): void {
  if (signal.aborted) {
    throw cancelledError();
  }
}

/** Converts a typed token: digits are an id. */
export function tokenGiven(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function isCancelled(error: unknown): boolean {
  return error instanceof MoEDebuggerError && error.code === 'cancelled';
}
