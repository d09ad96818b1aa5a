/** Runs the pairs of a task, one at a time: what is kept of each is small, so that many pairs need no more memory. */
import { MoEDebuggerError } from '../../../base/errors';
import type { TaskPair } from '../../../base/protocol';
import type { Runnable } from '../../../run/model/runnable';
import { runBoth, type TwoRuns } from '../../patching/two-runs';
import type { TaskCircuitOptions } from './options';
import { namingPair, type NamedPair } from './split-pairs';

export class PairRunner {
  /** Branches that some pair showed not to be separable: they are one source each, in all pairs. */
  private _whole: ReadonlySet<number> = new Set();

  constructor(
    private readonly _model: Runnable,
    private readonly _options: TaskCircuitOptions
  ) {}

  /**
   * Runs each pair once, before anything else: all fit, and all have the same parts afterwards.
   * @throws MoEDebuggerError as `runBoth`, naming the pair; 'input' for a pair whose target is of another kind
   */
  async settle(
    pairs: readonly NamedPair[],
    onPair: () => void
  ): Promise<SettledPair[]> {
    const settled: SettledPair[] = [];
    let first: TwoRuns | undefined;
    for (const pair of pairs) {
      const runs = await this._run(pair);
      first ??= runs;
      if (
        runs.target.kind !== first.target.kind ||
        runs.layout !== first.layout
      ) {
        throw new MoEDebuggerError(
          'input',
          `its target is of another kind, or of another router, than that of ${pairs[0].name}`,
          { where: pair.name, hint: 'give one kind of target in all pairs' }
        );
      }
      this._whole = runs.whole;
      settled.push({
        described: {
          ...runs.tokens,
          target: runs.target.described,
          values: { clean: runs.clean.value, corrupted: runs.corrupted.value }
        },
        notes: runs.notes
      });
      onPair();
    }
    return settled;
  }

  /** Works on each of some settled pairs in turn. */
  async each<T>(
    pairs: readonly NamedPair[],
    work: (runs: TwoRuns) => Promise<T>
  ): Promise<T[]> {
    const results: T[] = [];
    for (const pair of pairs) {
      results.push(await work(await this._run(pair)));
    }
    return results;
  }

  private async _run({ name, pair }: NamedPair): Promise<TwoRuns> {
    const { target, position, clean, corrupted } = pair;
    try {
      return await runBoth(
        this._model,
        clean,
        corrupted,
        {
          ...this._options,
          ...(target === undefined ? {} : { target }),
          ...(position === undefined ? {} : { position })
        },
        this._whole
      );
    } catch (error) {
      throw namingPair(error, name);
    }
  }
}

export interface SettledPair {
  described: TaskPair;
  notes: string[];
}
