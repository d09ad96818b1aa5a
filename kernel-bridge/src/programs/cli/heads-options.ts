/** The arguments of `heads`, read and checked. */
import type { Command } from 'commander';
import { parseCount, parseNumber, parseSeed } from './option-values';
import type { HeadsArguments } from './heads-arguments';

export function addHeadsCommand(program: Command): void {
  program
    .command('heads')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'induction, previous-token and duplicate-token heads, found on repeated random tokens'
    )
    .option('--count <n>', 'sequences; 32', parseCount)
    .option('--length <n>', 'tokens that are repeated; 25', parseCount)
    .option('--seed <n>', 'of the random tokens; 0', parseSeed)
    .option(
      '--threshold <score>',
      'the score that names a head; 0.5',
      parseNumber
    )
    .option(
      '--removal',
      'also how well the repetition is predicted without each head'
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: HeadsArguments) =>
      (await import('./heads.js')).heads(model, options)
    );
}
