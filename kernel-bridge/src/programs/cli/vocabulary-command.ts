import type { Command } from 'commander';
import { parseCount, parseIds } from './option-values';
import { addPlacesHelp, parseRouterPlace } from './places';
import type { VocabularyArguments } from './vocabulary';

export function addVocabularyCommand(program: Command): void {
  addPlacesHelp(
    program
      .command('vocabulary')
      .argument('<model>', 'a folder with a .onnx file, or the file')
      .description(
        'the tokens that each expert of a layer raises and lowers, against the other experts'
      )
      .requiredOption('--prompts <file>', 'a JSON Lines file')
      .requiredOption(
        '--layer <L>',
        'the layer: [STACK:]L[:MODULE]',
        parseRouterPlace
      )
      .option('--experts <E,...>', 'these experts only', parseIds)
      .option('--top <n>', 'tokens of each list. Default 10.', parseCount)
      .option('--no-evidence', 'do not ablate the experts')
      .option('--untrained', 'list tokens that training never had, too')
      .option('--out <file>', 'write a .json, .csv, .html or .svg file')
      .option('--json', 'print one JSON document')
      .action(async (model: string, options: VocabularyArguments) =>
        (await import('./vocabulary.js')).vocabulary(model, options)
      )
  );
}
