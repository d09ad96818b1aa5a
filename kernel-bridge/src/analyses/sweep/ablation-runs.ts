/** Runs (prompt, expert) pairs in batches and compares the results with the prompts' original distributions. */
import { batchFeeds } from '../../run/edits/batch-edits';
import type { Edits } from '../../run/edits/edits';
import type { RunEdits } from '../../run/edits/run-edits';
import { Engine, type Session } from '../../run/engine/engine';
import type { TensorValue } from '../../run/engine/messages';
import { mixesRows } from '../../run/generation/batches';
import { emptyCache } from '../../run/model/cache';
import type { Step } from '../../run/model/inputs';
import { ELEMENT } from '../../onnx/file/schema';
import type { Baseline } from './baseline';
import { nextTokens, readEffects, reference, type Effect } from './effects';
import type { GrowingGraph } from './growing-graph';
import { growingSessionOf } from './growing-session';
import {
  DIVERGENCE,
  LOGITS,
  measureGraph,
  NEXT,
  NEXT_LOG,
  REFERENCE
} from './measure-graph';
import type { SweepEdit } from './options';
import type { Reach } from './reach';
import { editedSession } from '../../run/edits/edited-sessions';
import type { LoadedModel } from '../../run/model/loaded-model';

/** A prompt with an ablated expert. */
export interface Pair {
  baseline: Baseline;
  /** Undefined: nothing is ablated, to test whether rows of a batch affect one another. */
  edit: SweepEdit | undefined;
  reach: Reach;
  /** Tokens of the prompt. */
  length: number;
}

/** A pair that is ablated. */
export type SweptPair = Pair & {
  edit: SweepEdit;
  /** The edits are those of a control, in place of the ablation. */
  control?: true;
};

export interface AblationRun {
  /** One per pair. */
  effects: Effect[];
  milliseconds: number;
}

export class AblationRuns {
  private readonly _unablated: RunEdits;
  /** Router index by the name of its edit input. */
  private readonly _routerOf = new Map<string, number>();

  private constructor(
    private readonly _model: LoadedModel,
    private readonly _session: Session,
    private readonly _growing: GrowingGraph | undefined,
    private readonly _measure: Session,
    base: Edits
  ) {
    const edited = editedSession(_model);
    this._unablated = edited.resolve(base).records;
    edited.slots.forEach((slots, router) => {
      for (const slot of Object.values(slots)) {
        const input =
          typeof slot === 'object' && 'input' in slot ? slot.input : slot;
        if (typeof input === 'string') {
          this._routerOf.set(input, router);
        }
      }
    });
  }

  /**
   * Loads the graph with a growing batch if possible, otherwise the one that takes edits.
   *
   * @param base edits that the model has
   */
  static async create(model: LoadedModel, base: Edits): Promise<AblationRuns> {
    const { graph, onnx, logits } = model;
    const grown = mixesRows(model, graph)
      ? undefined
      : await growingSessionOf(model).get();
    const session =
      grown?.session ?? (await editedSession(model).resolve({}).run()).session;
    const output = graph.root.proto.output.find(({ name }) => name === logits);
    const measure = await Engine.shared().createSession(
      {
        bytes: measureGraph(
          output?.type?.tensorType?.elemType ?? ELEMENT.float
        ),
        folder: onnx.weightsFolder
      },
      {}
    );
    return new AblationRuns(model, session, grown?.graph, measure, base);
  }

  /** Whether `runGrowing` can be called; its results must be compared once with those of `run`. */
  get canGrow(): boolean {
    return this._growing !== undefined;
  }

  /**
   * Runs one row per pair through the whole model.
   *
   * @param pairs of one length, unless the model takes padding on the right
   * @returns one effect per pair, and the duration of the run
   */
  run(pairs: readonly Pair[]): Promise<AblationRun> {
    const step = paddedStep(pairs);
    const { inputs } = this._model;
    return this._run(pairs, step.ids[0].length, {
      ...inputs.feeds(step),
      ...batchFeeds(
        pairs.map(({ edit }) => edit?.records ?? this._unablated),
        step
      ),
      ...this._rows(
        () => pairs.length,
        row => row
      )
    });
  }

  /**
   * Runs one row at first; each router adds the rows of its pairs.
   *
   * @param pairs of one prompt, in the order of routers
   */
  async runGrowing(pairs: readonly SweptPair[]): Promise<AblationRun> {
    const [{ baseline, length }] = pairs;
    const { inputs, routers } = this._model;
    const rows: Pair[] = [
      {
        baseline,
        length,
        edit: undefined,
        reach: { tokens: 0, first: undefined }
      },
      ...pairs
    ];
    const added = routers.map(
      (_, router) =>
        1 + pairs.filter(({ edit }) => edit.router <= router).length
    );
    const step = paddedStep(rows);
    const feeds = inputs.feeds(paddedStep(rows.slice(0, 1)));
    for (const entry of inputs.cache) {
      const before = this._growing!.routersBefore(entry.past);
      feeds[entry.past] = emptyCache(
        entry,
        before === 0 ? 1 : added[before - 1]
      );
    }
    const { effects, milliseconds } = await this._run(rows, length, {
      ...feeds,
      ...batchFeeds(
        rows.map(({ edit }) => edit?.records ?? this._unablated),
        step,
        input => {
          const router = this._routerOf.get(input);
          return router === undefined ? rows.length : added[router];
        }
      ),
      ...this._rows(
        router => added[router],
        (row, router) => (row < (added[router - 1] ?? 1) ? row : 0)
      )
    });
    return { effects: effects.slice(1), milliseconds };
  }

  release(): Promise<void> {
    return this._measure.release();
  }

  /** For each router on, the row that each row is a copy of. */
  private _rows(
    count: (router: number) => number,
    from: (row: number, router: number) => number
  ): Record<string, TensorValue> {
    return Object.fromEntries(
      (this._growing?.rows ?? []).map((input, router) => [
        input,
        {
          type: 'int64',
          dims: [count(router)],
          data: BigInt64Array.from({ length: count(router) }, (_, row) =>
            BigInt(from(row, router))
          )
        }
      ])
    );
  }

  private async _run(
    pairs: readonly Pair[],
    tokens: number,
    feeds: Record<string, TensorValue>
  ): Promise<AblationRun> {
    const { logits } = this._model;
    const baselines = pairs.map(({ baseline }) => baseline);
    const { outputs, milliseconds } = await this._session.run(feeds, [logits], {
      rows: { [logits]: pairs.map(({ length }) => length - 1) },
      measure: {
        session: this._measure.id,
        reads: { [LOGITS]: logits },
        feeds: {
          [REFERENCE]: reference(baselines, tokens),
          [NEXT]: nextTokens(baselines, tokens)
        },
        fetches: [DIVERGENCE, NEXT_LOG]
      }
    });
    return { effects: readEffects(outputs, logits, baselines), milliseconds };
  }
}

/** Prompts as rows of a batch, padded on the right: a causal model's output at a token ignores later ones. */
function paddedStep(pairs: readonly Pair[]): Step {
  const longest = Math.max(...pairs.map(({ length }) => length));
  const rows = pairs.map(({ baseline: { ids }, length }) => ({
    ids: [...ids, ...Array<number>(longest - length).fill(ids[length - 1])],
    mask: Array.from({ length: longest }, (_, i) => (i < length ? 1 : 0))
  }));
  const [{ baseline }] = pairs;
  const positions = Array.from({ length: longest }, (_, i) => i);
  return {
    ids: rows.map(({ ids }) => ids),
    mask: rows.map(({ mask }) => mask),
    positions: rows.map(() => positions),
    cached: 0,
    ...(baseline.prompt.decoderIds ? { encoderIds: [baseline.prompt.ids] } : {})
  };
}
