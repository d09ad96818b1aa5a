/**
 * Every failure that a user can cause or meet. One class with a `code`, so that the command line, a
 * cell, a panel and a worker boundary treat all of them alike.
 */
export type ErrorCode =
  | 'model-not-found'
  | 'model-invalid'
  | 'model-unsupported'
  | 'not-a-moe'
  | 'external-data'
  | 'tokenizer'
  | 'input'
  | 'capture'
  | 'edit'
  | 'gradient'
  | 'cancelled'
  | 'engine'
  | 'protocol'
  | 'usage'
  | 'environment';

/** What went wrong, where, and what to do about it; never a bare stack trace. */
export class MoEDebuggerError extends Error {
  override readonly name = 'MoEDebuggerError';
  readonly code: ErrorCode;
  /** The file, node, layer or argument concerned. */
  readonly where?: string;
  /** The way out, as an instruction. */
  readonly hint?: string;

  constructor(
    code: ErrorCode,
    what: string,
    options: { where?: string; hint?: string; cause?: unknown } = {}
  ) {
    super(MoEDebuggerError.format(what, options), { cause: options.cause });
    this.code = code;
    this.where = options.where;
    this.hint = options.hint;
  }

  private static format(
    what: string,
    { where, hint }: { where?: string; hint?: string }
  ): string {
    return `${what}${where ? ` (${where})` : ''}${hint ? `: ${hint}` : ''}`;
  }
}
