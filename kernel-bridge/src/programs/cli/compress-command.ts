import type { Command } from 'commander';
import type { CompressArguments } from './compress';
import { parseCount, parseNumber, parseSeed } from './option-values';

export function addCompressCommand(program: Command): void {
  program
    .command('compress')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'plan which experts to prune or merge, with sizes before and after and the effect on held-out prompts'
    )
    .requiredOption(
      '--prompts <file>',
      'a JSON Lines file; every second prompt of a domain is held out'
    )
    .option('--keep <n>', 'number of experts to keep per layer', parseCount)
    .option('--ratio <share>', 'or the share of experts to remove', parseNumber)
    .option(
      '--by <criterion>',
      'criterion: frequency, reap, ean, naee or overlap. Default reap.'
    )
    .option(
      '--random-plans <n>',
      'compare with this many random plans of the same size. Default 3.',
      parseSeed
    )
    .option('--out <file>', 'write a .json, .csv, .html or .svg file')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: CompressArguments) =>
      (await import('./compress.js')).compress(model, options)
    );
}
