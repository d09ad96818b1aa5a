/** What a caller may ask of a generation, checked. */
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { RoutingLayer } from '../../base/protocol';
import { checkOnCancel, type OnCancel } from '../engine/cancel';
import type { Sampling } from './sampling';

/** A token that was just generated. */
export interface TokenEvent {
  id: number;
  /** Its place in the sequence, the prompt's tokens counted. */
  position: number;
  /**
   * What it adds to the text, which may be nothing: half a character and the beginning of a stop string wait for the
   * next token. The texts of all events make up the generation's text.
   */
  text: string;
  /** How each layer routed this token: layers of one row each. An encoder's layers, which never see it, are left out. */
  routing: RoutingLayer[];
  /** Which prompt it continues. */
  prompt: { index: number; id: string };
}

export interface GenerateOptions {
  /** Default 32. */
  maxNewTokens?: number;
  /** Logits are divided by it before a token is drawn; 0, the default, takes the likeliest token. */
  temperature?: number;
  /** Draw from the k likeliest tokens only. Needs a temperature. */
  topK?: number;
  /** Draw from the likeliest tokens that together reach this probability only, in (0, 1]. Needs a temperature. */
  topP?: number;
  /**
   * Repeats the draws: the same seed gives the same text. Each prompt of a list starts from it anew. A random one is
   * taken, and told, when there is none.
   */
  seed?: number;
  /** Texts that end the generation; the text is cut before them. */
  stop?: string | readonly string[];
  /** Called as each token has been routed; awaited, so a slow reader slows the generation down. */
  onToken?: (event: TokenEvent) => void | Promise<void>;
  /** 'last': keep the model's output logits after the last token, in the trace's `outputLogits`. */
  logits?: 'none' | 'last';
  signal?: AbortSignal;
  /** Called as prompts are done, those that run side by side together; `onToken` tells of each token. */
  onProgress?: (progress: Progress) => void;
  /**
   * What a cancelled generation comes to, by the signal or by interrupting the cell: a `GenerationCancelled` error
   * that carries what there is ('throw', the default), or a result with finishReason 'cancelled' ('return').
   */
  onCancel?: OnCancel;
  /** Most prompts of a list that run side by side, where the model allows it. Default 8. */
  batchSize?: number;
}

export interface ResolvedOptions extends Omit<GenerateOptions, 'stop'> {
  maxNewTokens: number;
  sampling: Sampling;
  /** Undefined when nothing is drawn. */
  seed: number | undefined;
  stops: readonly string[];
  batchSize: number;
}

const DEFAULT_NEW_TOKENS = 32;
const DEFAULT_BATCH = 8;

/** @throws MoEDebuggerError 'input' naming the option that is out of range */
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
    'give a whole number of 1 or more'
  );
  check(
    count(batchSize),
    'batchSize',
    batchSize,
    'give a whole number of 1 or more'
  );
  check(
    Number.isFinite(temperature) && temperature >= 0,
    'temperature',
    temperature,
    'give 0 for the likeliest token, or a positive number'
  );
  check(
    topK === undefined || count(topK),
    'topK',
    topK,
    'give a whole number of 1 or more'
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
    'give a whole number of 0 or more'
  );
  if (temperature === 0 && (topK ?? topP) !== undefined) {
    throw new MoEDebuggerError(
      'input',
      `${topK === undefined ? 'topP' : 'topK'} has no effect without a temperature`,
      {
        where: 'temperature',
        hint: 'give a temperature above 0, or leave it out: the likeliest token is taken then'
      }
    );
  }
  checkOnCancel(options.onCancel);
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
