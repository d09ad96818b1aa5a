/** Commands that work on trace files: no model is loaded. */
import { Option, type Command } from 'commander';
import type { ExportArguments } from './export';
import type { ImportArguments } from './import';

/** @param parseCount parses a whole number of at least 1 */
export function addTraceCommands(
  program: Command,
  parseCount: (text: string) => number
): void {
  program
    .command('import')
    .argument('<format>', 'esft, vllm, sglang, llamacpp or hf')
    .argument('<path>', "a file, or a folder of the format's files")
    .description("convert another program's trace to a Parquet trace")
    .requiredOption('--out <file>', 'the Parquet file to write')
    .option('--config <file>', "the model's config.json")
    .option('--experts <n>', 'experts per layer', parseCount)
    .option('--top-k <n>', 'experts per token', parseCount)
    .option(
      '--layers <n>',
      'number of layers, for arrays without a shape',
      parseCount
    )
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
    .description('convert a trace to a report, JSON, CSV, or rewritten Parquet')
    .requiredOption('--format <format>', 'html, json, csv or parquet')
    .requiredOption('--out <file>', 'the file to write')
    .option('--counts-only', 'for html: omit everything that reveals the text')
    .option('--run <id>', 'the run to export, if the file contains several')
    .option('--json', 'print one JSON document of what was written')
    .action(async (trace: string, options: ExportArguments) =>
      (await import('./export.js')).exportFile(trace, options)
    );
}
