/** Prints any error as one line on stderr, and exits with code 2. */
import { CommanderError } from 'commander';

export function reportError(error: unknown, verbose: boolean): void {
  const line =
    error instanceof CommanderError
      ? usage(error)
      : error instanceof Error
        ? error.message
        : String(error);
  process.stderr.write(
    `moe-debugger: error: ${line.replace(/\s*\n\s*/g, ' ')}\n`
  );
  if (verbose && error instanceof Error && !(error instanceof CommanderError)) {
    process.stderr.write(`${error.stack}\n`);
    if (error.cause instanceof Error) {
      process.stderr.write(`caused by ${error.cause.stack}\n`);
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
