/** The commands that run a prompt twice: two runs side by side, and what follows from edits. */
import { Option, type Command } from 'commander';
import { addEditOptions } from './edits';
import { addPromptOptions } from './given-prompts';
import { parseIds, parseNumber, parseSeed, parseWhich } from './option-values';

const NEAR_MISS: [flags: string, description: string] = [
  '--near-miss <margin>',
  'count a change as a near miss below this margin of the k-th to the next expert'
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
      'compare the output of the last token (the default) or of all',
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
      'see what follows from edits: which experts change later on, by which others, and what that does to the output'
    )
    .option(
      '--from <position>',
      'edit the tokens from this position on',
      parseSeed
    )
    .option(
      '--total',
      'total effects only: two runs, not one more an expert that changed'
    )
    .option(
      '--max-runs <n>',
      'most runs for direct effects; 64 by default',
      parseSeed
    )
    .option(...NEAR_MISS, parseNumber)
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'json', 'dot', 'mermaid', 'html'])
        .default('text')
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./counterfactual.js')).counterfactual(model, options)
    );
  addPromptOptions(counterfactual, { file: false });
  addEditOptions(counterfactual);
}
