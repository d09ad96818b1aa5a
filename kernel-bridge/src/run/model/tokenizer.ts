/** Encodes and decodes text with the model's own tokenizer. */
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type * as HuggingFace from '@huggingface/tokenizers' with {
  'resolution-mode': 'import'
};
import { MoEDebuggerError } from '../../base/errors';
import type { Token } from '../../base/protocol';
import { readJson } from './config';

// The package has types only for its ESM build; its CommonJS build is loaded with the first tokenizer.
const load = createRequire(__filename);

export class Tokenizer {
  private readonly _pieces = new Map<number, string>();

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
      return new Tokenizer(
        new HuggingFaceTokenizer(
          definition,
          readJson(join(folder, 'tokenizer_config.json')) ?? {}
        ),
        path
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

  /** Ids of a text, including the special tokens that the tokenizer adds unless turned off. */
  encode(
    text: string,
    { specialTokens = true }: { specialTokens?: boolean } = {}
  ): number[] {
    return Array.from(
      this._tokenizer.encode(text, { add_special_tokens: specialTokens }).ids,
      Number
    );
  }

  decode(ids: readonly number[]): string {
    return this._tokenizer.decode([...ids], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: false
    });
  }

  /** The text of one token, with its leading space. */
  piece(id: number): string {
    const known = this._pieces.get(id);
    const piece = known ?? this._piece(id);
    if (known === undefined) {
      this._pieces.set(id, piece);
    }
    return piece;
  }

  private _piece(id: number): string {
    const token = this._tokenizer.id_to_token(id);
    if (token === undefined) {
      return `<${id}>`;
    }
    const text = this._tokenizer.decode([id], {
      skip_special_tokens: false,
      clean_up_tokenization_spaces: false
    });
    // Metaspace decoders strip the space at the start of a text.
    return token.startsWith('\u2581') && !text.startsWith(' ')
      ? ` ${text}`
      : text;
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
