import { printable } from './printable';

/**
 * Error class of every failure that a user can cause or meet. Its `code` lets the command line, a cell, a panel and a
 * worker boundary treat all errors alike.
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

/** What went wrong, where, and how to fix it; never a bare stack trace. Its message is safe to print. */
export class MoEDebuggerError extends Error {
  override readonly name = 'MoEDebuggerError';
  readonly code: ErrorCode;
  /** The file, node, layer or argument concerned. */
  readonly where?: string;
  /** How to fix it, as an instruction. */
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
    return printable(
      `${what}${where ? ` (${where})` : ''}${hint ? `: ${hint}` : ''}`
    );
  }
}
