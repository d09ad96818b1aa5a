/** All tokens of a trace as rows: those of an encoder before those of its decoder, sample by sample. */
import { characterRuns, type TokenCharacters } from '../../base/charts';
import type {
  RoutingSample,
  Stack,
  Token,
  TokenPart,
  TokenRow
} from '../../base/protocol';

/** The tokens of one stack of a sample. */
export interface TokenRun {
  /** Index into the samples. */
  sample: number;
  /** Undefined for a model with one stack. */
  stack: Stack | undefined;
  tokens: readonly Token[];
  /** Index of its first row. */
  from: number;
}

/** Of what is sent as a character. */
const MAX_TEXT = 100;

export class TokenRows {
  readonly runs: readonly TokenRun[];
  readonly length: number;

  constructor(readonly samples: readonly RoutingSample[]) {
    const runs: TokenRun[] = [];
    let from = 0;
    const add = (run: Omit<TokenRun, 'from'>): void => {
      runs.push({ ...run, from });
      from += run.tokens.length;
    };
    samples.forEach(({ tokens, encoderTokens, layers }, sample) => {
      const hasStacks =
        encoderTokens !== undefined ||
        layers.some(({ stack }) => stack === 'encoder');
      if (hasStacks) {
        add({ sample, stack: 'encoder', tokens: encoderTokens ?? [] });
      }
      add({ sample, stack: hasStacks ? 'decoder' : undefined, tokens });
    });
    this.runs = runs;
    this.length = from;
  }

  /** The run of a row, and the token's index in it. */
  find(row: number): { run: TokenRun; token: number } {
    let low = 0;
    let high = this.runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.runs[middle].from <= row) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    // Runs without tokens begin at the same row as the next one.
    const run = this.runs[low];
    return { run, token: row - run.from };
  }

  at(row: number): TokenRow {
    const { run, token } = this.find(row);
    const character = this._partOf(run, token);
    return {
      ...run.tokens[token],
      sample: run.sample,
      ...(run.stack ? { stack: run.stack } : {}),
      index: row,
      ...(character ? { character } : {})
    };
  }

  /** Runs of the tokens of a run that make a character together. */
  characters(run: TokenRun): readonly TokenCharacters[] {
    let found = this._characters.get(run);
    if (!found) {
      found = characterRuns(run.tokens);
      this._characters.set(run, found);
    }
    return found;
  }

  private _partOf(run: TokenRun, token: number): TokenPart | undefined {
    const characters = this.characters(run);
    let low = 0;
    let high = characters.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (characters[middle].to <= token) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const found = characters[low];
    return found && found.from <= token && found.text.length <= MAX_TEXT
      ? {
          text: found.text,
          part: token - found.from,
          parts: found.to - found.from
        }
      : undefined;
  }

  private readonly _characters = new Map<
    TokenRun,
    readonly TokenCharacters[]
  >();
}
