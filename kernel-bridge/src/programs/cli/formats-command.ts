import type { Command } from 'commander';
import type { FormatsArguments } from './formats';
import { parseSeed } from './option-values';

export function addFormatsCommand(program: Command): void {
  program
    .command('formats')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'write texts in other formats (case, lists, quotes, ...) and measure how far the routing moves'
    )
    .requiredOption(
      '--prompts <file>',
      'a JSON Lines file with one {"id"?, "text", "domain"?} per line'
    )
    .option(
      '--kinds <kind,...>',
      'case, whitespace, punctuation, "line breaks", list, markdown, quote. Default all.',
      (text: string) => text.split(',').map(kind => kind.trim())
    )
    .option('--seed <n>', 'seed of what is random. Default 0.', parseSeed)
    .option('--out <file>', 'write a .json, .csv, .html or .svg file')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: FormatsArguments) =>
      (await import('./formats.js')).formats(model, options)
    );
}
