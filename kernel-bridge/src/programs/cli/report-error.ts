/** Prints any error as one line on stderr, and exits with code 2. */
import { CommanderError } from 'commander';
import { remark } from './output';

export function reportError(error: unknown, verbose: boolean): void {
  const line =
    error instanceof CommanderError
      ? usage(error)
      : error instanceof Error
        ? error.message
        : String(error);
  remark(`moe-debugger: error: ${line.replace(/\s*\n\s*/g, ' ')}`);
  if (verbose && error instanceof Error && !(error instanceof CommanderError)) {
    remark(String(error.stack));
    if (error.cause instanceof Error) {
      remark(`caused by ${error.cause.stack}`);
    }
  }
  process.exitCode = 2;
}

function usage(error: CommanderError): string {
  if (error.code === 'commander.help') {
    return 'no command is given (usage): run "moe-debugger --help"';
  }
  return `${error.message.replace(/^error: /, '').replace(/\.$/, '')} (usage): run "moe-debugger --help"`;
}
