/** Result of a generation. */
import { MoEDebuggerError } from '../../base/errors';
import {
  counted,
  phaseTime,
  type Coverage,
  type PhaseTime,
  type RunStep,
  type Token
} from '../../base/protocol';
import type { RoutingTrace } from '../trace/routing-trace';
import type { TraceDocument } from '../trace/trace-document';

/**
 * Why a generation ended: the limit of new tokens or of the context ('length'); a stop string; the model's own
 * end-of-sequence token; or a cancellation.
 */
export type FinishReason = 'length' | 'stop' | 'eos' | 'cancelled';

/** The document that `moe-debugger generate --json` prints. */
export interface GenerationDocument {
  schema: 'moe-debugger/generate@1';
  model: string;
  prompt: string;
  text: string;
  tokens: Token[];
  finishReason: FinishReason;
  seed?: number;
  seconds: number;
  tokensPerSecond: number;
  prefill: PhaseTime;
  decode: PhaseTime;
  notes: string[];
  samples: TraceDocument['samples'];
  coverage: Coverage;
  edits: TraceDocument['edits'];
}

export class Generation {
  /** The prompt's text, or the number of its token ids. */
  readonly prompt: string;
  /** The generated text, truncated before a stop string. Empty if the model has no tokenizer. */
  readonly text: string;
  /** Every generated token, including a final end-of-sequence token and those of a stop string. */
  readonly tokens: readonly Token[];
  readonly finishReason: FinishReason;
  /**
   * The routing of prompt and generated tokens as one sample: each token as routed when it was run for the first time.
   */
  readonly trace: RoutingTrace;
  /** Seed of the sampling; undefined for greedy generation. */
  readonly seed: number | undefined;
  /** From the first run to the last; prompts that ran side by side have the same value. */
  readonly seconds: number;
  /** Notes about the result, for example why prompts were not run side by side. */
  readonly notes: readonly string[];

  constructor(options: Generation.IOptions) {
    this.prompt = options.prompt;
    this.text = options.text;
    this.tokens = options.tokens;
    this.finishReason = options.finishReason;
    this.trace = options.trace;
    this.seed = options.seed;
    this.seconds = options.seconds;
    this.notes = options.notes;
  }

  /** Generated tokens per second, including the time for the prompt. */
  get tokensPerSecond(): number {
    return this.tokens.length / this.seconds;
  }

  /** The prompt's step. */
  get prefill(): PhaseTime {
    return phaseTime(this._steps, 'prefill');
  }

  /** The steps that run one new token. */
  get decode(): PhaseTime {
    return phaseTime(this._steps, 'decode');
  }

  private get _steps(): readonly RunStep[] {
    return [...this.trace.steps.values()].flat();
  }

  toJSON(): GenerationDocument {
    const { model, samples, coverage, edits } = this.trace.toJSON();
    return {
      schema: 'moe-debugger/generate@1',
      model,
      prompt: this.prompt,
      text: this.text,
      tokens: [...this.tokens],
      finishReason: this.finishReason,
      ...(this.seed === undefined ? {} : { seed: this.seed }),
      seconds: this.seconds,
      tokensPerSecond: this.tokensPerSecond,
      prefill: this.prefill,
      decode: this.decode,
      notes: [...this.notes],
      samples,
      coverage,
      edits
    };
  }

  /** The prompt and the generated text. */
  toString(): string {
    return `${this.prompt}${this.text}`;
  }
}

export namespace Generation {
  export interface IOptions {
    prompt: string;
    text: string;
    tokens: readonly Token[];
    finishReason: FinishReason;
    trace: RoutingTrace;
    seed: number | undefined;
    seconds: number;
    notes: readonly string[];
  }
}

/** A cancelled generation, with the result so far. The model can be used again at once. */
export class GenerationCancelled extends MoEDebuggerError {
  /** One for each prompt that had been read, in the order of the prompts, including finished ones. */
  readonly partial: readonly Generation[];

  constructor(partial: readonly Generation[]) {
    const tokens = partial.reduce(
      (sum, generation) => sum + generation.tokens.length,
      0
    );
    super('cancelled', `cancelled after ${counted(tokens, 'token')}`, {
      hint: 'the error\'s "partial" holds them with their routing; the model is still loaded'
    });
    this.partial = partial;
  }
}
