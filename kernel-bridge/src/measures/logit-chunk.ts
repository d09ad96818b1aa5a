/** Runs the kernel of logits over chunks of ordinary tokens. */
import { CHUNK, type RoutingBlock } from './columns';
import { hasLogitKernel, logitKernel } from './wasm/logit-kernel';
import {
  LOGIT_COUNTS,
  LOGIT_SUMS,
  logitLayout,
  type LogitLayout
} from './wasm/logit-layout';
import { kernelMemory, type KernelMemory } from './wasm/memory';

export type LogitSums = Record<
  (typeof LOGIT_SUMS)[number] | (typeof LOGIT_COUNTS)[number],
  number
>;

/** The views of the memory of kernels that a chunk needs; others once it has grown. */
interface Views {
  buffer: ArrayBuffer;
  logits: Float32Array;
  selected: Int32Array;
  sums: Float64Array;
  counts: Int32Array;
  probability: Float64Array;
  valid: Int32Array;
}

export class LogitKernel {
  private readonly _run: (...args: number[]) => number;
  private readonly _layout: LogitLayout;
  private readonly _address: number;
  private _views: Views | undefined;

  private constructor(
    private readonly _memory: KernelMemory,
    private readonly _experts: number,
    private readonly _topK: number,
    decisive: number
  ) {
    this._run = _memory.kernel(`logits ${_experts} ${_topK}`, () =>
      logitKernel(_experts, _topK, CHUNK, decisive)
    );
    this._layout = logitLayout(_experts, _topK, CHUNK);
    this._address = _memory.lend(this, this._layout.size);
  }

  /**
   * @param decisive entropy in nats below which a token is decisive, the same for all routers of so many experts
   * @returns undefined where there is no WebAssembly, and for a k that is too large to unroll
   */
  static for(
    experts: number,
    topK: number,
    decisive: number
  ): LogitKernel | undefined {
    const memory = kernelMemory();
    return memory && hasLogitKernel(topK)
      ? new LogitKernel(memory, experts, topK, decisive)
      : undefined;
  }

  /**
   * Adds to `sums` and `probability` [experts] what tokens with a distribution come to.
   * @param count tokens from `from` on, a chunk at most, whose experts all exist
   * @returns the tokens of the chunk without a distribution
   */
  run(
    { logits, selected }: Required<Pick<RoutingBlock, 'logits' | 'selected'>>,
    from: number,
    count: number,
    sums: LogitSums,
    probability: Float64Array
  ): number[] {
    const { _experts: experts, _topK: topK } = this;
    const views = this._view();
    views.logits.set(logits.subarray(from * experts, (from + count) * experts));
    views.selected.set(selected.subarray(from * topK, (from + count) * topK));
    views.probability.fill(0);
    this._run(this._address, count);
    LOGIT_SUMS.forEach((name, i) => {
      sums[name] += views.sums[2 * i] + views.sums[2 * i + 1];
    });
    let tokens = 0;
    LOGIT_COUNTS.forEach((name, i) => {
      const [a, b, c, d] = views.counts.subarray(4 * i, 4 * i + 4);
      sums[name] += a + b + c + d;
      tokens = name === 'tokens' ? a + b + c + d : tokens;
    });
    for (let e = 0; e < experts; e++) {
      probability[e] += views.probability[e];
    }
    return tokens === count ? [] : without(views.valid, count);
  }

  private _view(): Views {
    const { buffer } = this._memory;
    if (this._views?.buffer !== buffer) {
      const { _address: base, _layout: at, _experts: experts } = this;
      const counts = base + at.sums + LOGIT_SUMS.length * 16;
      this._views = {
        buffer,
        logits: new Float32Array(buffer, base + at.logits, CHUNK * experts),
        selected: new Int32Array(
          buffer,
          base + at.selected,
          CHUNK * this._topK
        ),
        sums: new Float64Array(buffer, base + at.sums, LOGIT_SUMS.length * 2),
        counts: new Int32Array(buffer, counts, LOGIT_COUNTS.length * 4),
        probability: new Float64Array(buffer, base + at.probability, experts),
        valid: new Int32Array(buffer, base + at.valid, CHUNK)
      };
    }
    return this._views;
  }
}

function without(valid: Int32Array, count: number): number[] {
  const tokens: number[] = [];
  for (let t = 0; t < count; t++) {
    if (valid[t] === 0) {
      tokens.push(t);
    }
  }
  return tokens;
}
