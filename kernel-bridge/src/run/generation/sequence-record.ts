/** The routing of one sequence, as its steps bring it. */
import type { RoutingLayer, RunStep } from '../../base/protocol';
import { concatenate, takeTokens } from './routing-record';

/** What one step brings. */
export interface StepRouting {
  /** Of the tokens that were captured; no layers where none was. */
  layers: readonly RoutingLayer[];
  /** Which of the step's tokens were captured: indices from 0, ascending. */
  captured: readonly number[];
  /** Of an encoder's tokens, in the first step. */
  encoderCaptured?: readonly number[];
}

export class SequenceRecord {
  readonly steps: RunStep[] = [];
  /** Positions of the captured tokens in the sequence. */
  readonly positions: number[] = [];
  /** Positions of the encoder's captured tokens; empty without an encoder. */
  readonly encoderPositions: number[] = [];
  private readonly _parts: {
    from: number;
    layers: readonly RoutingLayer[];
  }[] = [];
  private _run = 0;
  private _last: readonly RoutingLayer[] = [];

  add(
    { layers, captured, encoderCaptured = [] }: StepRouting,
    step: RunStep
  ): void {
    // The first part tells which routers there are, even if it has no token.
    if (layers.length > 0) {
      this._parts.push({ from: this.positions.length, layers });
    }
    for (const token of captured) {
      this.positions.push(this._run + token);
    }
    this.encoderPositions.push(...encoderCaptured);
    this._last = captured.length > 0 ? layers : [];
    this._run += step.tokens;
    this.steps.push(step);
  }

  /** Tokens that were run, captured or not. */
  get run(): number {
    return this._run;
  }

  /** Routing of the last step's token; no layers where it was not captured. */
  get last(): readonly RoutingLayer[] {
    return this._last;
  }

  /** Routing of the captured tokens from one on, by router. */
  layers(from = 0): RoutingLayer[] {
    if (from === 0) {
      return concatenate(this._parts.map(({ layers }) => layers));
    }
    const after = this._parts.filter(part => part.from >= from);
    const [first] = after;
    const before = (first?.from ?? this.positions.length) - from;
    if (before === 0 && first) {
      return concatenate(after.map(({ layers }) => layers));
    }
    // The reader stopped inside of a part: a prompt that it had not whole.
    const part = this._parts[this._parts.length - after.length - 1];
    const rest = Array.from({ length: before }, (_, i) => from - part.from + i);
    const head = part.layers.map(layer =>
      takeTokens(layer, layer.stack === 'encoder' ? [] : rest)
    );
    return concatenate([head, ...after.map(({ layers }) => layers)]);
  }
}
