import { Signal, type ISignal } from '@lumino/signaling';

/** What is selected in a trace. What is undefined is not chosen. */
export interface ISelected {
  trace?: string;
  /** Index into the samples. */
  sample?: number;
  /** Index into the routers. */
  layerIndex: number;
  /** Index of the token among all tokens of the trace. */
  token?: number;
  expert?: number;
}

/** Changes by the arrow keys within this time are one step of the history, in milliseconds. */
const REST = 500;
const MAX_STEPS = 200;

/** The selection that all views of a workbench share, with the steps to go back. */
export class Selection {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get current(): Readonly<ISelected> {
    return this._steps[this._at];
  }

  get canGoBack(): boolean {
    return this._at > 0;
  }

  get canGoForward(): boolean {
    return this._at < this._steps.length - 1;
  }

  /**
   * Changes what is given, and keeps the rest. A key with the value undefined is no longer chosen.
   * @param moving where a key moves the selection: the moves of a moment at one place are one step
   */
  set(change: Partial<ISelected>, { moving }: { moving?: string } = {}): void {
    const next = { ...this.current, ...change };
    if (isSame(next, this.current)) {
      return;
    }
    const now = Date.now();
    const last = this._lastMove;
    const goesOn =
      last !== undefined && last.place === moving && now - last.at < REST;
    this._lastMove =
      moving === undefined ? undefined : { place: moving, at: now };
    this._steps = this._steps.slice(0, this._at + 1);
    if (goesOn) {
      this._steps[this._at] = next;
    } else {
      this._steps.push(next);
      this._steps = this._steps.slice(-MAX_STEPS);
    }
    this._at = this._steps.length - 1;
    this._changed.emit();
  }

  back(): void {
    this._go(-1);
  }

  forward(): void {
    this._go(1);
  }

  private _go(step: 1 | -1): void {
    const at = this._at + step;
    if (at >= 0 && at < this._steps.length) {
      this._at = at;
      this._lastMove = undefined;
      this._changed.emit();
    }
  }

  private _at = 0;
  private _changed = new Signal<this, void>(this);
  private _lastMove: { place: string; at: number } | undefined;
  private _steps: ISelected[] = [{ layerIndex: 0 }];
}

function isSame(a: ISelected, b: ISelected): boolean {
  return (
    a.trace === b.trace &&
    a.sample === b.sample &&
    a.layerIndex === b.layerIndex &&
    a.token === b.token &&
    a.expert === b.expert
  );
}
