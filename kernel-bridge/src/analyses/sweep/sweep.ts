/** Ablates every expert, one at a time, over many prompts, and measures the effect on the predictions. */
import {
  cancellable,
  cancelledError,
  CancelRequest
} from '../../run/engine/cancel';
import { MoEDebuggerError } from '../../base/errors';
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import {
  AblationRuns,
  type AblationRun,
  type SweptPair
} from './ablation-runs';
import type { Effect } from './effects';
import {
  runBaselines,
  type Baseline,
  type BaselineRequest,
  type BaselineTarget
} from './baseline';
import { baseNotes, overrulesChoice } from './edited-base';
import {
  checkCounts,
  sweepEdits,
  sweepTargets,
  type SweepEdit,
  type SweepOptions
} from './options';
import { findBatching, type Batching } from './probe';
import { laterTokensMatter } from './later-tokens';
import { reachOf, type Reach } from './reach';
import { Batches, BatchSizer } from './side-by-side';
import { SweepCancelled, SweepResult } from './sweep-result';
import type { Edits } from '../../run/edits/edits';
import type { RunEdits } from '../../run/edits/run-edits';
import { editedSession } from '../../run/edits/edited-sessions';
import type { LoadedModel } from '../../run/model/loaded-model';
import { Tally } from './tally';

/** Receives each pair's effect as it is measured; undefined if the ablation has no reach in the prompt. */
export type PairListener = (
  pair: SweptPair,
  effect: Effect | undefined
) => void;

/** Runs beside each ablation that has reach, of other edits on the same prompt and router. */
export interface ControlRuns {
  /** Undefined: none beside this ablation. */
  of(baseline: Baseline, edit: SweepEdit): RunEdits | undefined;
  onRun(pair: SweptPair, effect: Effect): void;
}

/** Limit for the logits of one run, as float32; two runs may be in flight. */
const MAX_LOGIT_BYTES = 128 << 20;
const BASELINE_ROWS = 8;
/** Below this many tokens the fixed cost of a run dominates. */
const MIN_RUN_TOKENS = 256;
const KEPT_TOKENS = 8;

/**
 * @param base edits that the model has, with which ablations are compared
 * @throws MoEDebuggerError 'edit', 'input' or 'tokenizer' before anything runs; 'capture', 'engine'; SweepCancelled
 */
export async function sweep(
  model: LoadedModel,
  prompts: readonly Prompt[],
  options: SweepOptions = {},
  onPair: PairListener = () => undefined,
  base: Edits = {},
  controls?: ControlRuns
): Promise<SweepResult> {
  const running = new Sweep(
    model,
    prompts.map((prompt, i) => model.tokenize(prompt, i)),
    options,
    onPair,
    base,
    controls
  );
  try {
    await running.run();
    return running.result();
  } catch (error) {
    if (!(error instanceof MoEDebuggerError && error.code === 'cancelled')) {
      throw error;
    }
    const partial = running.result();
    if (options.onCancel === 'return' && partial.done > 0) {
      return partial;
    }
    throw new SweepCancelled(partial);
  }
}

class Sweep {
  private readonly _edits: readonly SweepEdit[];
  private readonly _requests: readonly BaselineRequest[];
  private readonly _tally: Tally;
  private readonly _started = performance.now();
  /** Memory limit, in tokens per run. */
  private _most?: number;
  private _sizer?: BatchSizer;
  private _batching: Batching = {
    sideBySide: false,
    padded: false,
    growing: false
  };
  private _ablations?: AblationRuns;
  private _laterTokensMatter = false;
  /** A run in flight while the next one is prepared. */
  private _pending?: {
    pairs: SweptPair[];
    run: Promise<AblationRun>;
  };
  private _done = 0;
  private _runs = 0;
  private _batches = 0;

  constructor(
    private readonly _model: LoadedModel,
    prompts: readonly TokenizedPrompt[],
    private readonly _options: SweepOptions,
    private readonly _onPair: PairListener,
    private readonly _base: Edits,
    private readonly _controls?: ControlRuns
  ) {
    if (prompts.length === 0) {
      throw new MoEDebuggerError('input', 'there are no prompts', {
        hint: 'give at least one'
      });
    }
    checkCounts(_options);
    this._edits = sweepEdits(_model, _options, _base);
    if (this._edits.length === 0) {
      throw new MoEDebuggerError('input', 'there is no expert to ablate', {
        where: 'sweep',
        hint: 'choose experts that the edits do not ablate or force'
      });
    }
    const targets = sweepTargets(_model, _options, prompts.length);
    this._requests = prompts
      .map((prompt, index) => ({ index, prompt, target: targets[index] }))
      .sort((a, b) => lengthOf(a) - lengthOf(b) || a.index - b.index);
    const { tokenizer } = _model;
    this._tally = new Tally(
      this._edits,
      _model.routers,
      _options.mode ?? 'mask',
      _options.keepTokens ?? KEPT_TOKENS,
      tokenizer && (id => tokenizer.piece(id))
    );
  }

  async run(): Promise<void> {
    const { signal } = this._options;
    const cancel = new CancelRequest(signal);
    try {
      this._ablations = await cancellable(
        AblationRuns.create(this._model, this._base),
        signal
      );
      const target = await cancellable(this._target(), signal);
      this._laterTokensMatter = await cancellable(
        laterTokensMatter(this._model, target, this._requests),
        signal
      );
      this._batching = await cancellable(
        findBatching(
          this._model,
          target,
          this._ablations,
          this._requests,
          this._edits
        ),
        signal
      );
      const batches = new Batches<SweptPair>(
        length => this._rows(length),
        () => this._batching.padded
      );
      for (const group of this._groups()) {
        if (cancel.requested) {
          throw cancelledError();
        }
        for (const baseline of await cancellable(
          runBaselines(this._model, target, group),
          signal
        )) {
          await this._prompt(baseline, batches);
        }
      }
      await this._sendBatch(batches.rest());
      await this._settle();
    } finally {
      cancel.dispose();
      // Nobody waits for a run that may still be in flight.
      this._ablations?.release().catch(() => undefined);
    }
  }

  private async _target(): Promise<BaselineTarget> {
    const edited = editedSession(this._model).resolve(this._base);
    return edited.records.records.length === 0 ? this._model : edited.run();
  }

  /** The result so far. */
  result(): SweepResult {
    const { onnx, routers } = this._model;
    return new SweepResult(
      {
        model: onnx.name,
        mode: this._options.mode ?? 'mask',
        prompts: this._requests.length,
        tokens: this._requests.reduce((sum, one) => sum + lengthOf(one), 0),
        done: this._done,
        total: this._edits.length * this._requests.length,
        routers: routers.map(({ layer, stack, module, experts }) => ({
          layer,
          ...(stack ? { stack } : {}),
          ...(module ? { module } : {}),
          experts
        })),
        rows: this._tally.rows(),
        notes: this._notes()
      },
      {
        seconds: (performance.now() - this._started) / 1000,
        runs: this._runs,
        batches: this._batches
      }
    );
  }

  private _notes(): string[] {
    const { reason } = this._batching;
    return [
      ...baseNotes(this._model, this._base),
      ...(reason ? [`every ablation was run on its own: ${reason}`] : [])
    ];
  }

  /** Prompts of one length to run together without edits. */
  *_groups(): Generator<BaselineRequest[]> {
    let group: BaselineRequest[] = [];
    for (const request of this._requests) {
      const rows = this._batching.sideBySide
        ? Math.min(BASELINE_ROWS, this._rows(lengthOf(request)))
        : 1;
      if (
        group.length > 0 &&
        (group.length >= rows || lengthOf(group[0]) !== lengthOf(request))
      ) {
        yield group;
        group = [];
      }
      group.push(request);
    }
    yield group;
  }

  /** Queues the ablations that can affect a prompt, and counts the others as done. */
  private async _prompt(
    baseline: Baseline,
    batches: Batches<SweptPair>
  ): Promise<void> {
    this._most ??= Math.floor(MAX_LOGIT_BYTES / 4 / baseline.lastLogits.length);
    this._sizer ??= new BatchSizer(this._most);
    const reached: SweptPair[] = [];
    for (const edit of this._edits) {
      const pair: SweptPair = {
        baseline,
        edit,
        reach: this._reach(baseline, edit),
        length: baseline.ids.length
      };
      if (pair.reach.first === undefined) {
        this._count(pair, undefined);
      } else {
        reached.push(pair);
        const records = this._controls?.of(baseline, edit);
        if (records) {
          reached.push({ ...pair, edit: { ...edit, records }, control: true });
        }
      }
    }
    if (this._growPays(reached)) {
      const rows = Math.max(
        1,
        (this._options.batchSize ??
          Math.floor(this._most! / baseline.ids.length)) - 1
      );
      for (let start = 0; start < reached.length; start += rows) {
        const pairs = reached.slice(start, start + rows);
        await this._send(pairs, () => this._ablations!.runGrowing(pairs));
      }
      return;
    }
    for (const pair of reached) {
      await this._sendBatch(batches.add(pair));
    }
  }

  private _reach({ layers }: Baseline, { router, expert }: SweepEdit): Reach {
    const { routers } = this._model;
    const mode = this._options.mode ?? 'mask';
    const reach = reachOf(routers[router], layers[router], expert, mode);
    return overrulesChoice(this._base, routers, router) ||
      (this._laterTokensMatter && reach.first !== undefined)
      ? { ...reach, first: 0 }
      : reach;
  }

  /** Growing from one row takes one run per prompt; if that would be a small one, prompts share runs instead. */
  private _growPays(pairs: readonly SweptPair[]): boolean {
    return (
      this._batching.growing &&
      pairs.length * (pairs[0]?.length ?? 0) >= MIN_RUN_TOKENS &&
      pairs[0].edit.router !== pairs[pairs.length - 1].edit.router
    );
  }

  private _rows(length: number): number {
    return this._batching.sideBySide
      ? (this._options.batchSize ?? this._sizer?.rows(length) ?? 1)
      : 1;
  }

  private async _sendBatch(pairs: SweptPair[] | undefined): Promise<void> {
    if (pairs) {
      await this._send(pairs, async () => {
        const run = await this._ablations!.run(pairs);
        const longest = Math.max(...pairs.map(({ length }) => length));
        this._sizer!.measured(pairs.length * longest, run.milliseconds);
        return run;
      });
    }
  }

  /** Starts a run, and processes the result of the previous one. */
  private async _send(
    pairs: SweptPair[],
    start: () => Promise<AblationRun>
  ): Promise<void> {
    const run = start();
    run.catch(() => undefined);
    await this._settle();
    this._pending = { pairs, run };
  }

  private async _settle(): Promise<void> {
    if (!this._pending) {
      return;
    }
    const { pairs, run } = this._pending;
    const { effects } = await cancellable(run, this._options.signal);
    this._pending = undefined;
    this._runs += pairs.length;
    this._batches++;
    pairs.forEach((pair, row) =>
      pair.control
        ? this._controls!.onRun(pair, effects[row])
        : this._count(pair, effects[row])
    );
    this._options.onProgress?.({
      done: this._done,
      total: this._edits.length * this._requests.length,
      partial: () => this.result()
    });
  }

  private _count(pair: SweptPair, effect: Effect | undefined): void {
    this._done++;
    this._tally.add(pair, pair.edit, effect);
    this._onPair(pair, effect);
  }
}

function lengthOf({ prompt }: BaselineRequest): number {
  return (prompt.decoderIds ?? prompt.ids).length;
}
