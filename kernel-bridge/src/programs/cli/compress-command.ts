import type { Command } from 'commander';
import type { CompressArguments } from './compress';
import { parseCount, parseNumber } from './option-values';

export function addCompressCommand(program: Command): void {
  program
    .command('compress')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'plan which experts could be pruned or merged, and measure that on held-out prompts'
    )
    .requiredOption(
      '--prompts <file>',
      'a JSON Lines file; every second prompt of a domain is held out'
    )
    .option('--keep <n>', 'experts of a layer that stay', parseCount)
    .option('--ratio <share>', 'or the share of them that goes', parseNumber)
    .option(
      '--by <criterion>',
      'what decides: frequency, reap (the default), ean, naee or overlap'
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: CompressArguments) =>
      (await import('./compress.js')).compress(model, options)
    );
}
