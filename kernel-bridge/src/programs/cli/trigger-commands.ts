/** Defines `triggers` and `pipelines`; their code is loaded when they run. */
import type { Command } from 'commander';
import { parseCount, parseNumber } from './option-values';
import type { PipelinesArguments } from './pipelines';
import type { TriggersArguments } from './triggers';

const TARGET =
  'a Parquet trace, or a folder with a .onnx file, or the file, with --prompts';
const PROMPTS =
  'prompts for a model, a JSON Lines file with one {"id"?, "text" | "input_ids", "domain"?} per line';

export function addTriggerCommands(program: Command): void {
  program
    .command('triggers')
    .argument('<trace or model>', TARGET)
    .description(
      'find token sequences that select an expert which their last token alone does not'
    )
    .option('--prompts <file>', PROMPTS)
    .option('--n <tokens>', 'length of a sequence. Default 2.', parseCount)
    .option(
      '--significance <p>',
      'level of the corrected p. Default 0.05.',
      parseNumber
    )
    .option('--out <file>', 'write a .json, .csv, .html or .svg file')
    .option('--json', 'print one JSON document')
    .action(async (target: string, options: TriggersArguments) =>
      (await import('./triggers.js')).triggers(target, options)
    );

  program
    .command('pipelines')
    .argument('<trace or model>', TARGET)
    .description(
      'find experts of successive layers that process the same tokens, and the kind of text that they carry'
    )
    .option('--prompts <file>', PROMPTS)
    .option(
      '--alpha <p>',
      'level of the corrected p. Default 0.05.',
      parseNumber
    )
    .option(
      '--min-lift <lift>',
      'least lift over chance. Default 1.5.',
      parseNumber
    )
    .option('--span <layers>', 'longest step in layers. Default 1.', parseCount)
    .option(
      '--effect-tokens <n>',
      'of a model: tokens to measure the effect of each step on; 0 for none. Default 8.',
      parseNumber
    )
    .option(
      '--out <file>',
      'write a .json, .csv, .html, .svg, .dot or .mmd file'
    )
    .option('--json', 'print one JSON document')
    .action(async (target: string, options: PipelinesArguments) =>
      (await import('./pipelines.js')).pipelines(target, options)
    );
}
