/** Runs the kernel of logits over chunks of ordinary tokens. */
import { CHUNK, type RoutingBlock } from './columns';
import {
  hasLogitKernel,
  LOGIT_FIELDS,
  logitKernel,
  type LogitField
} from './kernel/logit-kernel';
import { kernelMemory, type KernelMemory } from './kernel/memory';

export class LogitKernel {
  private readonly _run: (...args: number[]) => number;
  private readonly _logits: number;
  private readonly _selected: number;
  private readonly _results: number;
  private readonly _scratch: number;

  private constructor(
    private readonly _memory: KernelMemory,
    private readonly _experts: number,
    private readonly _topK: number
  ) {
    this._run = _memory.kernel(`logits ${_experts} ${_topK}`, () =>
      logitKernel(_experts, _topK, CHUNK)
    );
    this._logits = _memory.lend(this, CHUNK * _experts * 4);
    this._selected = _memory.lend(this, CHUNK * _topK * 4);
    this._results = _memory.lend(this, CHUNK * LOGIT_FIELDS.length * 4);
    this._scratch = _memory.lend(this, 2 * _experts * 4);
  }

  static for(experts: number, topK: number): LogitKernel | undefined {
    const memory = kernelMemory();
    return memory && hasLogitKernel(experts, topK)
      ? new LogitKernel(memory, experts, topK)
      : undefined;
  }

  /**
   * @param count tokens from `from` on, a chunk at most, whose experts all exist
   * @returns views that hold until the next call
   */
  run(
    { logits, selected }: Required<Pick<RoutingBlock, 'logits' | 'selected'>>,
    from: number,
    count: number
  ): {
    fields: Record<LogitField, Float32Array>;
    /** [experts], summed over the tokens */
    probability: Float32Array;
  } {
    const { _experts: experts, _topK: topK } = this;
    const { buffer } = this._memory;
    new Float32Array(buffer, this._logits, count * experts).set(
      logits.subarray(from * experts, (from + count) * experts)
    );
    new Int32Array(buffer, this._selected, count * topK).set(
      selected.subarray(from * topK, (from + count) * topK)
    );
    const probability = new Float32Array(
      buffer,
      this._scratch + experts * 4,
      experts
    ).fill(0);
    this._run(
      this._logits,
      this._selected,
      count,
      this._results,
      this._scratch
    );
    const fields = Object.fromEntries(
      LOGIT_FIELDS.map((field, i) => [
        field,
        new Float32Array(buffer, this._results + i * CHUNK * 4, count)
      ])
    ) as Record<LogitField, Float32Array>;
    return { fields, probability };
  }
}
