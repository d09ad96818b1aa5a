/** State of one prompt's generation. */
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import type { TokenizedPrompt } from '../model/prompt';
import type { Tokenizer } from '../model/tokenizer';
import type {
  RoutingLayer,
  RoutingSample,
  RunStep,
  Token
} from '../../base/protocol';
import type { RunningSource } from '../trace/running-trace';
import type { Decoded } from './decoder';
import type { Ending } from './ending';
import type { FinishReason } from './generation';
import type { ResolvedOptions, TokenEvent } from './options';
import { randomNumbers } from '../../base/statistics/random';
import { nextToken } from './sampling';
import { SequenceRecord } from './sequence-record';
import { StopStrings, TextStream } from './text-stream';

export class Continuation implements RunningSource {
  readonly traceId = randomUUID();
  readonly created = new Date();
  readonly tokens: Token[] = [];
  finishReason?: FinishReason;
  /** [vocabulary], after the last token that was run. */
  logits: Float32Array = new Float32Array(0);
  text = '';
  private readonly _record = new SequenceRecord();
  private readonly _random: () => number;
  private readonly _stops: StopStrings;
  private readonly _stream?: TextStream;
  /** Tokens before the generated ones: the prompt's, or the decoder's. */
  private readonly _before: readonly number[];
  /** Text that the next token to run adds. */
  private _piece = '';

  /** @throws MoEDebuggerError 'input' when the prompt fills the context */
  constructor(
    readonly index: number,
    readonly prompt: TokenizedPrompt,
    private readonly _options: ResolvedOptions,
    private readonly _ending: Ending,
    private readonly _tokenizer: Tokenizer | undefined
  ) {
    this._before = prompt.decoderIds ?? prompt.ids;
    this._random = randomNumbers(_options.seed ?? 0);
    this._stops = new StopStrings(_options.stops);
    this._stream = _tokenizer && new TextStream(_tokenizer, this._before);
    const { context } = _ending;
    if (context !== undefined && this._before.length >= context) {
      throw new MoEDebuggerError(
        'input',
        `the prompt has ${this._before.length} tokens and fills the model's context of ${context}`,
        {
          where: `prompt ${prompt.id}`,
          hint: `shorten it to leave room for new tokens`
        }
      );
    }
  }

  /** Receives the results of a run for its tokens. */
  accept(
    decoded: Decoded,
    { phase, timestamp, milliseconds }: Omit<RunStep, 'tokens' | 'captured'>
  ): void {
    this.logits = decoded.logits;
    this._record.add(decoded, {
      phase,
      tokens: decoded.tokens,
      captured: decoded.captured.length,
      timestamp,
      milliseconds
    });
  }

  /** Selects the next token from the last logits. The continuation has ended if `finishReason` is set afterwards. */
  choose(): number {
    const id = nextToken(this.logits, this._options.sampling, this._random);
    const position = this._before.length + this.tokens.length;
    this.tokens.push(this._token(position, id));
    const fresh = this._stops.push(this._stream?.push(id) ?? '');
    this._piece = fresh.text;
    if (fresh.stopped) {
      this.finishReason = 'stop';
    } else if (this._ending.eos.has(id)) {
      this.finishReason = 'eos';
    } else if (
      this.tokens.length >= this._options.maxNewTokens ||
      position + 1 >= (this._ending.context ?? Infinity)
    ) {
      this.finishReason = 'length';
    }
    if (this.finishReason && this.finishReason !== 'stop') {
      this._piece += this._rest();
    }
    this.text += this._piece;
    return id;
  }

  /** The event of the last token that was selected and run. */
  event(): TokenEvent {
    const { id, position } = this.tokens[this.tokens.length - 1];
    return {
      id,
      position,
      text: this._piece,
      step: this.steps[this.steps.length - 1],
      routing: this._record.last.filter(({ logits }) => logits.length > 0),
      prompt: { index: this.index, id: this.prompt.id }
    };
  }

  /** Ends the continuation on the user's request. */
  cancel(): void {
    this.finishReason = 'cancelled';
    this.text += this._rest();
  }

  /** The captured tokens of the prompt and of what was generated, with their routing. */
  sample(): RoutingSample {
    const { id, domain, ids, decoderIds } = this.prompt;
    return {
      id,
      ...(domain === undefined ? {} : { domain }),
      tokens: this.tokensFrom(0),
      ...(decoderIds
        ? {
            encoderTokens: this._record.encoderPositions.map(position =>
              this._token(position, ids[position])
            )
          }
        : {}),
      layers: this.layersFrom(0)
    };
  }

  get steps(): readonly RunStep[] {
    return this._record.steps;
  }

  get captured(): number {
    return this._record.positions.length;
  }

  /** Tokens that were run, captured or not. */
  get run(): number {
    return this._record.run;
  }

  /** Captured tokens of the prompt. */
  get promptTokens(): number {
    const prompt = this._before.length;
    return this._record.positions.filter(position => position < prompt).length;
  }

  tokensFrom(from: number): Token[] {
    return this._record.positions
      .slice(from)
      .map(position =>
        position < this._before.length
          ? this._token(position, this._before[position])
          : this.tokens[position - this._before.length]
      );
  }

  layersFrom(from: number): RoutingLayer[] {
    return this._record.layers(from);
  }

  /** True once the prompt has been run. */
  get started(): boolean {
    return this.steps.length > 0;
  }

  private _rest(): string {
    const last = this._stops.push(this._stream?.end() ?? '');
    return last.stopped ? last.text : last.text + this._stops.end();
  }

  private _token(position: number, id: number): Token {
    return this._tokenizer
      ? { position, id, text: this._tokenizer.piece(id) }
      : { position, id };
  }
}
