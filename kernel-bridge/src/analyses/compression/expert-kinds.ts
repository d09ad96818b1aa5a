/** Tells experts that compute something from those that pass their input on, or add nothing (LongCat's zero experts). */
import { dot } from '../../measures/vectors';

/** Experts of different kinds are no versions of each other, however similar their outputs are. */
export type ExpertKind = 'network' | 'identity' | 'zero';

export class ExpertKinds {
  /** By expert: squares of the output, and of its difference from the input. */
  private readonly _outputs: Float64Array;
  private readonly _differences: Float64Array;
  private readonly _seen: Uint8Array;

  constructor(experts: number) {
    this._outputs = new Float64Array(experts);
    this._differences = new Float64Array(experts);
    this._seen = new Uint8Array(experts);
  }

  /** @param output NaN where it is not known */
  add(
    expert: number,
    input: Float32Array | undefined,
    output: Float32Array
  ): void {
    if (expert < 0 || !Number.isFinite(output[0])) {
      return;
    }
    this._seen[expert] = 1;
    this._outputs[expert] += dot(output, output);
    this._differences[expert] +=
      input?.length === output.length
        ? output.reduce((sum, value, i) => sum + (value - input[i]) ** 2, 0)
        : Infinity;
  }

  /** Undefined for an expert whose output was never seen. */
  of(expert: number): ExpertKind | undefined {
    return this._seen[expert] === 0
      ? undefined
      : this._outputs[expert] === 0
        ? 'zero'
        : this._differences[expert] <= EQUAL * this._outputs[expert]
          ? 'identity'
          : 'network';
  }
}

/** Of squares: outputs are measured as differences of two runs, in float32. */
const EQUAL = 1e-6;
