/** Finds induction, previous-token and duplicate-token heads by their attention on repeated random tokens. */
import type { Progress } from '../../base/progress';
import { MoEDebuggerError } from '../../base/errors';
import { studentInterval } from '../../base/statistics/intervals';
import { mean } from '../../base/statistics/summary';
import type { Runnable } from '../../run/model/runnable';
import type { Sequence } from '../../run/model/inputs';
import type { Attention } from './attention';
import {
  chanceScores,
  headScores,
  isCausal,
  SCORES,
  type HeadScores
} from './head-scores';
import { HeadsResult, KIND_OF } from './heads-result';
import { type ScoredHead } from './heads-data';
import { type HeadScore } from './heads-data';
import { checkShown } from './read-attention';
import {
  givenSequences,
  MIN_LENGTH,
  repeatedSequences,
  type RepeatedSequences
} from './repeated-sequences';
import { AttentionRuns, type HeadPlace } from './run-attention';

export interface FindHeadsOptions {
  /** Number of sequences. Default 32. */
  count?: number;
  /** Tokens of the segment that is repeated. Default 25, as in Olsson et al. 2022. */
  length?: number;
  /** Seed of the random tokens. Default 0. */
  seed?: number;
  /** Token ids to run instead; each sequence is a segment followed by the same segment, and all have the same length. */
  sequences?: readonly (readonly number[])[];
  /** Score from which a head gets a label. Default 0.5. */
  threshold?: number;
  /** Also ablates each head on its own and measures how well the second copy is still predicted. */
  removal?: boolean;
  signal?: AbortSignal;
  /** Called after each run. */
  onProgress?: (progress: Progress) => void;
}

/**
 * @throws MoEDebuggerError 'input' for invalid options, or when the context or the vocabulary is too small;
 * 'model-unsupported' if no attention is found; 'gradient' if a node has no form in plain operators; 'cancelled'
 */
export async function findHeads(
  model: Runnable,
  options: FindHeadsOptions = {}
): Promise<HeadsResult> {
  const { threshold = 0.5, signal, onProgress } = options;
  const seed = options.seed ?? 0;
  checkOptions(options);
  const sequences =
    options.sequences !== undefined
      ? givenSequences(options.sequences)
      : repeatedSequences(model, {
          count: options.count ?? 32,
          length: options.length ?? 25,
          seed
        });
  // Validates like any prompt: ids within the vocabulary, length within the context.
  const prompts = sequences.ids.map((ids, i): Sequence =>
    model.tokenize(
      model.inputs.encoderDecoder
        ? { inputIds: ids, decoderInputIds: ids }
        : ids,
      i
    )
  );
  const runs = await AttentionRuns.of(model, signal);
  const { attention, unknown } = runs.found;
  checkShown(model, runs.found);
  const places = attention.flatMap(({ kind, heads }, i): HeadPlace[] =>
    // Cross-attention of a decoder reads encoder tokens, so the scores do not apply.
    kind === 'cross'
      ? []
      : Array.from({ length: heads }, (_, head) => ({ attention: i, head }))
  );
  const total = prompts.length * (options.removal ? 1 + places.length : 1);
  let done = 0;
  const tick = (): void => onProgress?.({ done: ++done, total });

  const scores = attention.map(({ heads }): HeadScores[][] =>
    Array.from({ length: heads }, () => [])
  );
  const causal = attention.map(() => true);
  let right = 0;
  for (const [i, prompt] of prompts.entries()) {
    const tokens = sequences.ids[i].length;
    const run = await runs.run(prompt, {
      probabilities: true,
      logits: true,
      ...(signal ? { signal } : {})
    });
    run.probabilities.forEach((own, at) => {
      if (attention[at].kind === 'self') {
        headScores(own, tokens, sequences).forEach((score, head) =>
          scores[at][head].push(score)
        );
        causal[at] &&= isCausal(own, tokens);
      }
    });
    right += predicted(run.logits!, sequences.ids[i], sequences);
    tick();
  }
  const asked = prompts.length * (sequences.length - 1);
  const heads: ScoredHead[] = [];
  for (const place of places) {
    const own = attention[place.attention];
    let accuracyWithout: number | undefined;
    if (options.removal) {
      let still = 0;
      for (const [i, prompt] of prompts.entries()) {
        const { logits } = await runs.run(prompt, {
          logits: true,
          without: [place],
          ...(signal ? { signal } : {})
        });
        still += predicted(logits!, sequences.ids[i], sequences);
        tick();
      }
      accuracyWithout = still / asked;
    }
    heads.push({
      ...describe(own, place.head, scores[place.attention][place.head]),
      chance: chanceScores(
        sequences.ids[0].length,
        sequences,
        causal[place.attention]
      ),
      ...(accuracyWithout === undefined ? {} : { accuracyWithout })
    });
  }
  return new HeadsResult({
    model: model.onnx.name,
    sequences: {
      count: prompts.length,
      length: sequences.length,
      ...(options.sequences ? {} : { seed })
    },
    threshold,
    accuracy: right / asked,
    heads,
    unknown,
    ...(model.edits?.length ? { edits: model.edits } : {})
  });

  function describe(
    { layer, stack }: Attention,
    head: number,
    values: readonly HeadScores[]
  ): Omit<ScoredHead, 'chance'> {
    const means = {
      prefixMatching: meanScore(values.map(own => own.prefixMatching)),
      previousToken: meanScore(values.map(own => own.previousToken)),
      duplicateToken: meanScore(values.map(own => own.duplicateToken))
    };
    return {
      layer,
      ...(stack ? { stack } : {}),
      head,
      scores: means,
      kinds: SCORES.filter(name => means[name].mean >= threshold).map(
        name => KIND_OF[name]
      )
    };
  }
}

/** Number of tokens of the second copy, except its first, that have the highest logit. */
function predicted(
  logits: Float32Array,
  ids: readonly number[],
  { start, length }: RepeatedSequences
): number {
  const width = logits.length / ids.length;
  let right = 0;
  for (let q = start + length; q < start + 2 * length - 1; q++) {
    let best = 0;
    for (let id = 1; id < width; id++) {
      if (logits[q * width + id] > logits[q * width + best]) {
        best = id;
      }
    }
    right += best === ids[q + 1] ? 1 : 0;
  }
  return right;
}

function meanScore(values: readonly number[]): HeadScore {
  const own = studentInterval(values);
  return {
    mean: mean(values),
    low: own ? Math.max(0, own.low) : 0,
    high: own ? Math.min(1, own.high) : 1
  };
}

function checkOptions(options: FindHeadsOptions): void {
  const { count, length, seed, threshold, sequences } = options;
  const whole: [string, number | undefined, number, number][] = [
    ['count', count, 1, MAX_COUNT],
    ['length', length, MIN_LENGTH, MAX_LENGTH],
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER]
  ];
  for (const [where, value, low, high] of whole) {
    if (
      value !== undefined &&
      (!Number.isInteger(value) || value < low || value > high)
    ) {
      throw new MoEDebuggerError('input', `${where} cannot be ${value}`, {
        where,
        hint: `give a whole number of ${low} to ${high}`
      });
    }
  }
  if (threshold !== undefined && !(threshold > 0 && threshold <= 1)) {
    throw new MoEDebuggerError('input', `invalid threshold ${threshold}`, {
      where: 'threshold',
      hint: 'give a number above 0 and up to 1'
    });
  }
  if (sequences && (count ?? length ?? seed) !== undefined) {
    throw new MoEDebuggerError(
      'input',
      'both sequences and options for random sequences are given',
      {
        where: 'sequences',
        hint: 'give either sequences, or count, length and seed'
      }
    );
  }
}

const MAX_COUNT = 4096;
const MAX_LENGTH = 4096;
