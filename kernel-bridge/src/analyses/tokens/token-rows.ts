/** All tokens of a trace as rows: those of an encoder before those of its decoder, sample by sample. */
import type {
  RoutingSample,
  Stack,
  Token,
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
    return {
      ...run.tokens[token],
      sample: run.sample,
      ...(run.stack ? { stack: run.stack } : {}),
      index: row
    };
  }
}
