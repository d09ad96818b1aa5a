/** Text to token ids and back, by the model's own tokenizer. */
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type * as HuggingFace from '@huggingface/tokenizers' with {
  'resolution-mode': 'import'
};
import { MoEDebuggerError } from '../../base/errors';
import type { Token } from '../../base/protocol';
import { readJson } from './config';

// The package types its ESM build only; its CommonJS build is loaded when the first tokenizer is.
const load = createRequire(__filename);

export class Tokenizer {
  private readonly _pieces = new Map<number, string>();

  private constructor(
    private readonly _tokenizer: HuggingFace.Tokenizer,
    readonly path: string
  ) {}

  /**
   * @returns undefined when the folder has no tokenizer.json
   * @throws MoEDebuggerError 'tokenizer' when it has one that cannot be used
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

  /** Ids of a text, with the special tokens that the tokenizer adds by itself unless they are left out. */
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

  /** The piece of text that one token stands for, its leading space kept. */
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
    // Metaspace decoders strip the space that starts a word.
    return token.startsWith('\u2581') && !text.startsWith(' ')
      ? ` ${text}`
      : text;
  }
}

/** Token ids as traces tell them, with their pieces of text where there is a tokenizer. */
export function tokensOf(
  tokenizer: Tokenizer | undefined,
  ids: readonly number[]
): Token[] {
  return ids.map((id, position) =>
    tokenizer ? { position, id, text: tokenizer.piece(id) } : { position, id }
  );
}
