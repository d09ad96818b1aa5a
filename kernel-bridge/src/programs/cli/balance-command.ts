import type { Command } from 'commander';
import type { BalanceArguments } from './balance';
import { parseNumber } from './option-values';

export function addBalanceCommand(program: Command): void {
  program
    .command('balance')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'fit selection biases that even out the load of experts, and try them on held-out prompts'
    )
    .requiredOption(
      '--prompts <file>',
      'a JSON Lines file; every second prompt of a domain is held out'
    )
    .option(
      '--target <jain>',
      'layers with a lower Jain index get biases. Default 0.95.',
      parseNumber
    )
    .option(
      '--place <where>',
      'add biases to the selection, or to the logits. Default selection.'
    )
    .option('--out <file>', 'write a .json, .csv, .html or .svg file')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: BalanceArguments) =>
      (await import('./balance.js')).balance(model, options)
    );
}
