/** Options of a generation, and their validation. */
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { RoutingLayer, RunStep } from '../../base/protocol';
import { checkSampling, type TokenSampling } from '../capture/token-sampling';
import { checkOnCancel, type OnCancel } from '../engine/cancel';
import type { RunningTrace } from '../trace/running-trace';
import type { Sampling } from './sampling';

/** A generated token. */
export interface TokenEvent {
  id: number;
  /** Its position in the sequence, including the prompt. */
  position: number;
  /**
   * The text that it adds, possibly empty: an incomplete character or a possible stop string waits for the next token. The
   * texts of all events add up to the generation's text.
   */
  text: string;
  /** Routing of this token: layers of one row each, without encoder layers; empty where it was not captured (`sample`). */
  routing: RoutingLayer[];
  /** The step that ran it: when, and how long it took. */
  step: RunStep;
  /** The prompt that it continues. */
  prompt: { index: number; id: string };
}

export interface GenerateOptions {
  /** Default 32. */
  maxNewTokens?: number;
  /** Divides the logits before sampling; 0 selects the most likely token. Default 0. */
  temperature?: number;
  /** Sample only from the k most likely tokens. Needs a temperature. */
  topK?: number;
  /** Sample only from the most likely tokens that together reach this probability, in (0, 1]. Needs a temperature. */
  topP?: number;
  /**
   * Makes sampling reproducible: the same seed gives the same text. Each prompt of a list starts with this seed. Default: a
   * random one, which the result contains.
   */
  seed?: number;
  /** Texts that end the generation; the text is truncated before them. */
  stop?: string | readonly string[];
  /** Called for each token with its routing; awaited, so a slow reader slows the generation down. */
  onToken?: (event: TokenEvent) => void | Promise<void>;
  /** Called when a prompt has been run, with the trace in the making: it tells of each step. */
  onBegin?: (trace: RunningTrace) => void;
  /** Captures the routing of a share of the tokens. Default all. */
  sample?: TokenSampling;
  /** 'last': keep the model's output logits after the last token, in the trace's `outputLogits`. */
  logits?: 'none' | 'last';
  signal?: AbortSignal;
  /** Called as prompts are done, those that run side by side together; `onToken` tells of each token. */
  onProgress?: (progress: Progress) => void;
  /**
   * When cancelled, by the signal or by interrupting the cell: throw a `GenerationCancelled` error that carries the result
   * so far, or return a result with finishReason 'cancelled'. Default 'throw'.
   */
  onCancel?: OnCancel;
  /** Maximum number of prompts that run side by side, if the model allows it. Default 8. */
  batchSize?: number;
}

export interface ResolvedOptions extends Omit<GenerateOptions, 'stop'> {
  maxNewTokens: number;
  sampling: Sampling;
  /** Undefined for greedy generation. */
  seed: number | undefined;
  stops: readonly string[];
  batchSize: number;
}

const DEFAULT_NEW_TOKENS = 32;
const DEFAULT_BATCH = 8;

/** @throws MoEDebuggerError 'input' naming the invalid option */
export function resolveOptions(options: GenerateOptions): ResolvedOptions {
  const {
    maxNewTokens = DEFAULT_NEW_TOKENS,
    temperature = 0,
    topK,
    topP,
    seed,
    stop = [],
    batchSize = DEFAULT_BATCH
  } = options;
  const count = (value: number): boolean =>
    Number.isSafeInteger(value) && value >= 1;
  check(
    count(maxNewTokens),
    'maxNewTokens',
    maxNewTokens,
    'give a whole number of at least 1'
  );
  check(
    count(batchSize),
    'batchSize',
    batchSize,
    'give a whole number of at least 1'
  );
  check(
    Number.isFinite(temperature) && temperature >= 0,
    'temperature',
    temperature,
    'give 0 for the most likely token, or a positive number'
  );
  check(
    topK === undefined || count(topK),
    'topK',
    topK,
    'give a whole number of at least 1'
  );
  check(
    topP === undefined || (topP > 0 && topP <= 1),
    'topP',
    topP,
    'give a number above 0 and up to 1'
  );
  check(
    seed === undefined || (Number.isSafeInteger(seed) && seed >= 0),
    'seed',
    seed,
    'give a whole number of at least 0'
  );
  if (temperature === 0 && (topK ?? topP) !== undefined) {
    throw new MoEDebuggerError(
      'input',
      `${topK === undefined ? 'topP' : 'topK'} has no effect without a temperature`,
      {
        where: 'temperature',
        hint: 'give a temperature above 0, or leave it out: the most likely token is then selected'
      }
    );
  }
  checkOnCancel(options.onCancel);
  if (options.sample) {
    checkSampling(options.sample);
  }
  const stops = typeof stop === 'string' ? [stop] : [...stop];
  check(
    stops.every(text => typeof text === 'string' && text !== ''),
    'stop',
    stop,
    'give texts that are not empty'
  );
  return {
    ...options,
    maxNewTokens,
    sampling: { temperature, topK, topP },
    seed:
      temperature === 0
        ? undefined
        : (seed ?? Math.floor(Math.random() * 2 ** 32)),
    stops,
    batchSize
  };
}

function check(
  holds: boolean,
  option: string,
  value: unknown,
  hint: string
): void {
  if (!holds) {
    throw new MoEDebuggerError(
      'input',
      `${option} is ${JSON.stringify(value) ?? String(value)}`,
      { where: option, hint }
    );
  }
}
