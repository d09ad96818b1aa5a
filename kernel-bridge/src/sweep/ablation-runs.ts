/** Runs (prompt, expert) pairs side by side and compares what comes out with the prompts' own distributions. */
import { batchFeeds } from '../edits/batch-edits';
import type { EditedRun } from '../edits/edited-session';
import { Engine, type Session } from '../engine/engine';
import { toFloat32 } from '../engine/tensor-values';
import type { Step } from '../model/inputs';
import { ELEMENT } from '../onnx/schema';
import type { Baseline } from './baseline';
import {
  atLeastZero,
  divergence,
  logProbability,
  rank
} from '../logits/distribution';
import {
  DIVERGENCE,
  LEAST_LOG,
  LOGITS,
  measureGraph,
  REFERENCE
} from './measure-graph';
import type { SweepEdit } from './options';
import type { Reach } from './reach';
import type { SweptModel } from './swept-model';

/** An expert taken away while a prompt runs. */
export interface Pair {
  baseline: Baseline;
  /** Undefined: nothing is taken away, to see whether rows change one another. */
  edit: SweepEdit | undefined;
  reach: Reach;
  /** Tokens of the prompt. */
  length: number;
}

/** What came of a pair. */
export interface Effect {
  /** KL(original || ablated) of each of the last positions, in nats; the prompt's last token is the last. */
  kl: Float32Array;
  klLast: number;
  deltaLogProb: number;
  deltaRank: number;
  /** [vocabulary], after the last token. */
  lastLogits: Float32Array;
}

export class AblationRuns {
  private constructor(
    private readonly _model: SweptModel,
    private readonly _edited: EditedRun,
    private readonly _measure: Session
  ) {}

  /** @param unedited the session that takes edits, with none */
  static async create(
    model: SweptModel,
    unedited: EditedRun
  ): Promise<AblationRuns> {
    const { graph, onnx, logits } = model;
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
    return new AblationRuns(model, unedited, measure);
  }

  /**
   * @param pairs of one length, unless the model takes padding on the right
   * @returns one effect a pair, and how long the run took
   */
  async run(
    pairs: readonly Pair[]
  ): Promise<{ effects: Effect[]; milliseconds: number }> {
    const { inputs, logits } = this._model;
    const step = paddedStep(pairs);
    const edits = await Promise.all(
      pairs.map(async ({ edit }) =>
        edit ? (await edit.run()).edits : this._edited.edits
      )
    );
    const { outputs, milliseconds } = await this._edited.session.run(
      { ...inputs.feeds(step), ...batchFeeds(edits, step) },
      [logits],
      {
        rows: { [logits]: pairs.map(({ length }) => length - 1) },
        measure: {
          session: this._measure.id,
          reads: { [LOGITS]: logits },
          feeds: { [REFERENCE]: reference(pairs, step.ids[0].length) },
          fetches: [DIVERGENCE]
        }
      }
    );
    const last = toFloat32(outputs[logits]);
    const kl = toFloat32(outputs[DIVERGENCE]);
    const effects = pairs.map(({ baseline }, row) => {
      const { lastLogits, logProbs, target } = baseline;
      const vocabulary = lastLogits.length;
      // Where the graph gives all positions of a single prompt, the last of them are at the end.
      const end =
        last.length === pairs.length * vocabulary
          ? (row + 1) * vocabulary
          : last.length;
      const own = last.slice(end - vocabulary, end);
      const width = kl.length / pairs.length;
      const positions = logProbs.length / vocabulary;
      return {
        kl: kl.slice(row * width, row * width + positions).map(atLeastZero),
        klLast: divergence(lastLogits, own),
        deltaLogProb:
          logProbability(own, target) - logProbability(lastLogits, target),
        deltaRank: rank(own, target) - rank(lastLogits, target),
        lastLogits: own
      };
    });
    return { effects, milliseconds };
  }

  release(): Promise<void> {
    return this._measure.release();
  }
}

/** Prompts as the rows of a step, filled up on the right: what a causal model writes of a token is blind to it. */
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

/** What the rows are compared with: one table for all where they are of one prompt. */
function reference(pairs: readonly Pair[], tokens: number) {
  const [{ baseline: first }] = pairs;
  const vocabulary = first.lastLogits.length;
  const positions = first.logProbs.length / vocabulary;
  if (pairs.every(({ baseline }) => baseline === first)) {
    return {
      type: 'float32' as const,
      dims: [1, positions, vocabulary],
      data: first.logProbs
    };
  }
  const width = positions < first.ids.length ? positions : tokens;
  const data = new Float32Array(pairs.length * width * vocabulary).fill(
    LEAST_LOG
  );
  pairs.forEach(({ baseline: { logProbs } }, row) =>
    data.set(logProbs, row * width * vocabulary)
  );
  return {
    type: 'float32' as const,
    dims: [pairs.length, width, vocabulary],
    data
  };
}
