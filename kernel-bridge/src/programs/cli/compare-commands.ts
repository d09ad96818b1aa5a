/** Commands that compare runs: `diff`, `counterfactual` and `compare`. */
import { Option, type Command } from 'commander';
import { addEditOptions } from './edits';
import { addPromptOptions } from './given-prompts';
import { parseIds, parseNumber, parseSeed, parseWhich } from './option-values';

const NEAR_MISS: [flags: string, description: string] = [
  '--near-miss <margin>',
  'near-miss threshold for the margin between the k-th and the next expert'
];

export function addCompareCommands(program: Command): void {
  const diff = program
    .command('diff')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'compare the routing of two runs: with and without edits, of two prompts, of two models'
    )
    .option('--against <text>', 'the prompt of the second run')
    .option('--against-ids <ids>', 'its token ids', parseIds)
    .option('--against-model <model>', 'the model of the second run')
    .option(...NEAR_MISS, parseNumber)
    .option(
      '--logits <which>',
      'compare the output of the last token or of all. Default last.',
      parseWhich
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./diff.js')).diff(model, options)
    );
  addPromptOptions(diff);
  addEditOptions(diff);

  const counterfactual = program
    .command('counterfactual')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'measure the effects of edits: which experts change in later layers, because of which others, and the change of the output'
    )
    .option(
      '--from <position>',
      'apply the edits from this token position on',
      parseSeed
    )
    .option(
      '--total',
      'total effects only: two runs, without one more per changed expert'
    )
    .option(
      '--max-runs <n>',
      'maximum number of runs for direct effects. Default 64.',
      parseSeed
    )
    .option(...NEAR_MISS, parseNumber)
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['text', 'json', 'dot', 'mermaid', 'html'])
        .default('text')
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./counterfactual.js')).counterfactual(model, options)
    );
  addPromptOptions(counterfactual, { file: false });
  addEditOptions(counterfactual);

  const compare = program
    .command('compare')
    .argument(
      '<models...>',
      'folders with a .onnx file, .onnx files, or Parquet traces: two or more'
    )
    .description(
      'compare the routing of several models, of any families, by the depth of their layers'
    )
    .option('--out <file>', 'write a .json, .csv, .html or .svg file')
    .option('--json', 'print one JSON document')
    .action(async (models: string[], options: object) =>
      (await import('./compare.js')).compare(models, options)
    );
  addPromptOptions(compare);
}
