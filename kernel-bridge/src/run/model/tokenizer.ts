/** Encodes and decodes text with the model's own tokenizer. */
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type * as HuggingFace from '@huggingface/tokenizers' with {
  'resolution-mode': 'import'
};
import { MoEDebuggerError } from '../../base/errors';
import type { Token } from '../../base/protocol';
import { readJson } from './config';
import { TimeLimitError, withTimeLimit } from './time-limit';
import { bytesOfToken, isNeverInUtf8, textOfBytes } from './token-bytes';

// The package has types only for its ESM build; its CommonJS build is loaded with the first tokenizer.
const load = createRequire(__filename);

// The patterns of a tokenizer.json are untrusted; well-behaved ones need about a second for a million characters.
const MAX_MILLISECONDS = 3000;
const MAX_MILLISECONDS_PER_CHARACTER = 0.05;

/** Characters of a library's message. */
const MAX_REASON = 200;

/** What the library decodes bytes to that are no character. */
const NO_CHARACTER = '\ufffd';

/** A byte that UTF-8 never has, as `textOfBytes` writes it. */
const NEVER_IN_UTF8 = /<0x(?:C[01]|F[5-9A-F])>/;

export class Tokenizer {
  private readonly _pieces = new Map<number, string>();
  /** The decoder did not come to an end on a token. */
  private _isStopped = false;

  private constructor(
    private readonly _tokenizer: HuggingFace.Tokenizer,
    readonly path: string
  ) {}

  /**
   * @returns undefined when the folder has no tokenizer.json
   * @throws MoEDebuggerError 'tokenizer' when it has an invalid one
   */
  static load(folder: string): Tokenizer | undefined {
    const path = join(folder, 'tokenizer.json');
    const definition = readJson(path);
    if (!definition) {
      return undefined;
    }
    try {
      const { Tokenizer: HuggingFaceTokenizer } = load(
        '@huggingface/tokenizers'
      ) as typeof HuggingFace;
      const config = readJson(join(folder, 'tokenizer_config.json')) ?? {};
      return withTimeLimit(
        MAX_MILLISECONDS,
        () => new Tokenizer(new HuggingFaceTokenizer(definition, config), path)
      );
    } catch (error) {
      throw new MoEDebuggerError(
        'tokenizer',
        `the tokenizer cannot be read: ${(error as Error).message}`,
        {
          where: path,
          hint: 'save it again with a fast tokenizer, or run the model on token ids',
          cause: error
        }
      );
    }
  }

  /**
   * Ids of a text, including the special tokens that the tokenizer adds unless turned off.
   * @throws MoEDebuggerError 'tokenizer' when a pattern of the tokenizer does not come to an end on this text
   */
  encode(
    text: string,
    { specialTokens = true }: { specialTokens?: boolean } = {}
  ): number[] {
    const { ids } = this._limited('encode a text', text.length, () =>
      this._tokenizer.encode(text, { add_special_tokens: specialTokens })
    );
    return Array.from(ids, Number);
  }

  /** The text of tokens. Bytes that are no character are written as `<0xE4>`. */
  decode(ids: readonly number[]): string {
    const text = this._decode(ids, true);
    return text.includes(NO_CHARACTER) ? this._decodeParts(ids) : text;
  }

  /** @internal Whether the last token may be a part of a character that the next ones complete. */
  endsInsideCharacter(ids: readonly number[]): boolean {
    return this._decode(ids, true).endsWith(NO_CHARACTER);
  }

  /**
   * The text of one token, with its leading space. Of a part of a character, its bytes as `<0xE4>`; of a token that the
   * vocabulary lacks or the decoder fails on, its id as `<7>`: a run on token ids needs no texts.
   */
  piece(id: number): string {
    const known = this._pieces.get(id);
    const piece = known ?? this._pieceOrId(id);
    if (known === undefined) {
      this._pieces.set(id, piece);
    }
    return piece;
  }

  /**
   * @internal The ids that no text becomes: those without an entry, and bytes that UTF-8 never has.
   * @param vocabulary number of ids
   */
  neverInText(vocabulary: number): number[] {
    const ids: number[] = [];
    for (let id = 0; id < vocabulary; id++) {
      const entry = this._tokenizer.id_to_token(id);
      // A character may be spelled like a byte: only the decoder tells them apart.
      if (
        entry === undefined ||
        (bytesOfToken(entry)?.some(isNeverInUtf8) === true &&
          NEVER_IN_UTF8.test(this.piece(id)))
      ) {
        ids.push(id);
      }
    }
    return ids;
  }

  private _pieceOrId(id: number): string {
    const unknown = `<${id}>`;
    try {
      return this._isStopped ? unknown : (this._piece(id) ?? unknown);
    } catch (error) {
      // Each further token would take as long.
      this._isStopped ||= error instanceof MoEDebuggerError;
      return unknown;
    }
  }

  private _piece(id: number): string | undefined {
    const token = this._tokenizer.id_to_token(id);
    if (token === undefined) {
      return undefined;
    }
    const text = this._decode([id], false);
    const bytes = text.includes(NO_CHARACTER) ? bytesOfToken(token) : undefined;
    return bytes ? textOfBytes(bytes) : this._withSpace(text, id);
  }

  /** Decodes whole tokens, and parts of characters by their bytes: the library would lose these. */
  private _decodeParts(ids: readonly number[]): string {
    const runs: { bytes?: number[]; ids: number[] }[] = [];
    for (const id of ids) {
      const bytes = this._decode([id], false).includes(NO_CHARACTER)
        ? bytesOfToken(this._tokenizer.id_to_token(id) ?? '')
        : undefined;
      const run = runs.at(-1);
      if (run && !run.bytes === !bytes) {
        run.ids.push(id);
        run.bytes?.push(...bytes!);
      } else {
        runs.push({ bytes, ids: [id] });
      }
    }
    return runs
      .map(({ bytes, ids: own }, i) => {
        const text = bytes ? textOfBytes(bytes) : this._decode(own, true);
        return bytes || i === 0 ? text : this._withSpace(text, own[0]);
      })
      .join('');
  }

  /** Metaspace decoders strip the space at the start of a text. */
  private _withSpace(text: string, first: number): string {
    return this._tokenizer.id_to_token(first)?.startsWith('\u2581') &&
      !text.startsWith(' ')
      ? ` ${text}`
      : text;
  }

  private _decode(ids: readonly number[], skipSpecial: boolean): string {
    return this._limited('decode tokens', ids.length, () =>
      this._tokenizer.decode([...ids], {
        skip_special_tokens: skipSpecial,
        clean_up_tokenization_spaces: false
      })
    );
  }

  private _limited<T>(what: string, length: number, work: () => T): T {
    const limit =
      MAX_MILLISECONDS + Math.ceil(length * MAX_MILLISECONDS_PER_CHARACTER);
    try {
      return withTimeLimit(limit, work);
    } catch (error) {
      if (!(error instanceof TimeLimitError)) {
        throw error;
      }
      throw new MoEDebuggerError(
        'tokenizer',
        `the tokenizer was stopped: it could not ${what} (${length}) within ${limit / 1000} s`,
        {
          where: this.path,
          hint: 'a pattern in its pre_tokenizer, normalizer or decoder may backtrack without end: get the file from where the model was published, or run the model on token ids',
          cause: error
        }
      );
    }
  }
}

export interface FoundTokenizer {
  tokenizer?: Tokenizer;
  /** Why there is none, for errors of what needs one. */
  noTokenizer: string;
  /** Whether there is one that cannot be read. */
  isBroken: boolean;
}

/** A folder's tokenizer. A model runs on token ids without one, so a broken one is no error before a text needs it. */
export function findTokenizer(folder: string): FoundTokenizer {
  try {
    return {
      tokenizer: Tokenizer.load(folder),
      noTokenizer: 'the model has no tokenizer.json',
      isBroken: false
    };
  } catch (error) {
    if (!(error instanceof MoEDebuggerError)) {
      throw error;
    }
    const cause = error.cause instanceof Error ? error.cause : error;
    return {
      noTokenizer: `the model's tokenizer cannot be read (${join(folder, 'tokenizer.json')}: ${cause.message.slice(0, MAX_REASON)})`,
      isBroken: true
    };
  }
}

/** Token ids as in traces, with texts if there is a tokenizer. */
export function tokensOf(
  tokenizer: Tokenizer | undefined,
  ids: readonly number[]
): Token[] {
  return ids.map((id, position) =>
    tokenizer ? { position, id, text: tokenizer.piece(id) } : { position, id }
  );
}
