/** Parses the arguments of `heads`. */
import type { Command } from 'commander';
import { parseCount, parseNumber, parseSeed } from './option-values';
import type { HeadsArguments } from './heads-arguments';

export function addHeadsCommand(program: Command): void {
  program
    .command('heads')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'find induction, previous-token and duplicate-token heads on repeated random tokens'
    )
    .option('--count <n>', 'sequences; 32', parseCount)
    .option(
      '--length <n>',
      'length of the repeated segment. Default 25.',
      parseCount
    )
    .option('--seed <n>', 'seed of the random tokens. Default 0.', parseSeed)
    .option(
      '--threshold <score>',
      'score from which a head gets a label. Default 0.5.',
      parseNumber
    )
    .option(
      '--removal',
      'also measure how well the repetition is predicted with each head ablated'
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: HeadsArguments) =>
      (await import('./heads.js')).heads(model, options)
    );
}
