/** Additions to the residual stream, as inputs of a run. */
import type { TensorValue } from '../engine/messages';
import type { Step } from '../model/inputs';
import { includes, type TokenRange } from './edits';
import type { StreamSlot } from './slots';

/** A scaled vector, added at one point. */
export interface StreamEdit {
  /** [width] */
  vector: Float32Array;
  tokens?: TokenRange;
}

export class StreamEdits {
  /** @param _slots and `_edits`: one list per point */
  constructor(
    private readonly _slots: readonly StreamSlot[],
    private readonly _edits: readonly (readonly StreamEdit[])[]
  ) {}

  /** Zeros without edits. */
  feeds(step: Step): Record<string, TensorValue> {
    return Object.fromEntries(
      this._slots.flatMap(({ residual, width, stack }, i) =>
        'input' in residual
          ? [[residual.input, this._sum(i, width, stack === 'encoder', step)]]
          : []
      )
    );
  }

  private _sum(
    index: number,
    width: number,
    encoder: boolean,
    step: Step
  ): TensorValue {
    const edits = this._edits[index];
    const positions = edits.every(({ tokens }) => tokens === undefined)
      ? [[Number.NaN]]
      : encoder && step.encoderIds
        ? step.encoderIds.map(row => row.map((_, i) => i))
        : step.positions;
    const tokens = positions[0].length;
    const data = new Float32Array(positions.length * tokens * width);
    positions.flat().forEach((position, row) => {
      for (const { vector, tokens: range } of edits) {
        if (includes(range, position)) {
          vector.forEach((value, i) => (data[row * width + i] += value));
        }
      }
    });
    return { type: 'float32', dims: [positions.length, tokens, width], data };
  }
}
