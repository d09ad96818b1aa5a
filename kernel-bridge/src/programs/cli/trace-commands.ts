/** The commands that work on traces as documents: no model is loaded. */
import { Option, type Command } from 'commander';
import type { ExportArguments } from './export';
import type { ImportArguments } from './import';

/** @param parseCount reads a whole number of 1 or more */
export function addTraceCommands(
  program: Command,
  parseCount: (text: string) => number
): void {
  program
    .command('import')
    .argument('<format>', 'esft, vllm, sglang, llamacpp or hf')
    .argument('<path>', "a file, or a folder of the format's files")
    .description("turn another program's trace into a Parquet file of ours")
    .requiredOption('--out <file>', 'the Parquet file to write')
    .option('--config <file>', "the model's config.json")
    .option('--experts <n>', 'experts of a layer', parseCount)
    .option('--top-k <n>', 'experts that a token takes', parseCount)
    .option('--layers <n>', 'layers of arrays without a shape', parseCount)
    .addOption(
      new Option('--score <function>', "the router's score function").choices([
        'softmax',
        'sigmoid'
      ])
    )
    .option('--renormalized', 'weights are divided by their sum')
    .option('--not-renormalized', 'weights are not divided by their sum')
    .option('--model <name>', "the model's name")
    .option('--json', 'print one JSON document')
    .action(async (format: string, path: string, options: ImportArguments) =>
      (await import('./import.js')).importFile(format, path, options)
    );

  program
    .command('export')
    .argument('<trace>', 'a Parquet file of a trace')
    .description('turn a trace into a report, JSON, CSV, or Parquet anew')
    .requiredOption('--format <format>', 'html, json, csv or parquet')
    .requiredOption('--out <file>', 'the file to write')
    .option(
      '--counts-only',
      'of html: leave out all that tells what the text was'
    )
    .option('--run <id>', 'which run, where the file holds several')
    .option('--json', 'print one JSON document of what was written')
    .action(async (trace: string, options: ExportArguments) =>
      (await import('./export.js')).exportFile(trace, options)
    );
}
