/** Counts chunks of tokens: ordinary ones by a kernel, others by plain loops. */
import { CHUNK, type Columns, type WeightedBlock } from './columns';
import { countKernel, MAX_UNROLLED, REPEAT_FIELDS } from './wasm/count-kernel';
import type { TallyState } from './tally-state';

/** A kernel with room for a chunk, for tallies of one number of experts and k. */
export class CountKernel {
  private readonly _run: (...args: number[]) => number;
  private readonly _selected: number;
  private readonly _weights: number;

  private constructor(
    private readonly _memory: NonNullable<TallyState['kernels']>,
    experts: number,
    private readonly _topK: number
  ) {
    this._run = _memory.kernel(`count ${experts} ${_topK}`, () =>
      countKernel(experts, _topK)
    );
    const bytes = CHUNK * _topK * 4;
    this._selected = _memory.lend(this, 2 * bytes);
    this._weights = this._selected + bytes;
  }

  /** Undefined where there is no WebAssembly, and for a k that is too large to unroll. */
  static for({ kernels, experts }: TallyState, topK: number) {
    return kernels && topK <= MAX_UNROLLED
      ? new CountKernel(kernels, experts, topK)
      : undefined;
  }

  /** Counts ordinary tokens from `from` on; returns how many there were before another kind, at most a chunk. */
  count(state: TallyState, block: WeightedBlock, from: number): number {
    const { selected, weights } = block;
    const start = from * this._topK;
    const end = Math.min(start + CHUNK * this._topK, selected.length);
    const length = end - start;
    const { buffer } = this._memory;
    new Int32Array(buffer, this._selected, length).set(
      selected.subarray(start, end)
    );
    new Float32Array(buffer, this._weights, length).set(
      weights.subarray(start, end)
    );
    return this._run(
      this._selected,
      this._weights,
      length / this._topK,
      state.address
    );
  }
}

/** Counts a chunk that was sorted into columns. */
export function countColumns(state: TallyState, columns: Columns): void {
  const { experts, weights, length, topK, dropped } = columns;
  const { counts, first, stamps, gates, repeats, adjacent, distant } =
    state.views;
  const sums = state.views.weights;
  const n = state.experts;
  for (let t = 0; t < length; t++) {
    const number = ++repeats[REPEAT_FIELDS.number / 4];
    let common = 0;
    for (let i = 0; i < topK; i++) {
      const expert = experts[i * CHUNK + t];
      // Dropped slots come last.
      if (expert === dropped) {
        break;
      }
      counts[expert]++;
      gates[expert] += weights[i * CHUNK + t];
      common += stamps[expert] === number - 1 ? 1 : 0;
      stamps[expert] = number;
      for (let j = i + 1; j < topK; j++) {
        const other = experts[j * CHUNK + t];
        if (other !== dropped) {
          (j === i + 1 ? adjacent : distant)[expert * n + other]++;
        }
      }
    }
    const choice = experts[t];
    repeats[REPEAT_FIELDS.repeats / 4] +=
      choice === repeats[REPEAT_FIELDS.first / 4] ? 1 : 0;
    repeats[REPEAT_FIELDS.overlap / 4] += common;
    repeats[REPEAT_FIELDS.any / 4] += common > 0 ? 1 : 0;
    repeats[REPEAT_FIELDS.first / 4] = choice === dropped ? -1 : choice;
    if (choice !== dropped) {
      first[choice]++;
      sums[0] += weights[t];
      sums[1] += topK > 1 ? weights[CHUNK + t] : 0;
    }
  }
}
