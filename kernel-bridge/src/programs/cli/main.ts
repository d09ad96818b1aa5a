#!/usr/bin/env node
/** The command line `moe-debugger`. Each command is a file that is loaded when it runs. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { version } from '../../base/package-version';
import { addBalanceCommand } from './balance-command';
import { addCompareCommands } from './compare-commands';
import { addCompressCommand } from './compress-command';
import { addDiagnose } from './diagnose-command';
import { addAttributeCommand } from './attribute-options';
import { addCircuitCommand } from './circuit-options';
import { addEditOptions, addRewriteOption } from './edits';
import { addPromptOptions } from './given-prompts';
import { addFormatsCommand } from './formats-command';
import { addHeadsCommand } from './heads-options';
import {
  parseCount,
  parseIds,
  parseNumber,
  parseSeed,
  parseWhich
} from './option-values';
import {
  addPlacesHelp,
  parseExperts,
  parseRouterPlaces,
  parseStreamLayer
} from './places';
import { reportError } from './report-error';
import { addTraceCommands } from './trace-commands';
import { addTriggerCommands } from './trigger-commands';
import { addVocabularyCommand } from './vocabulary-command';

const EXAMPLES = `
Examples:
  $ moe-debugger inspect models/demo
  $ moe-debugger trace models/demo --prompt "def fib(n):" --json
  $ moe-debugger trace models/demo --prompts prompts.jsonl --json
  $ moe-debugger generate models/demo --prompt "def fib(n):" --max-new-tokens 48
  $ moe-debugger generate models/demo --prompt "def fib(n):" --ablate 4:6 --top-k 1
  $ moe-debugger diagnose models/demo --fail-on warning
  $ moe-debugger lens models/demo --prompt "def fib(n):"
  $ moe-debugger sweep models/demo --prompts prompts.jsonl --layers 2,3 --json
  $ moe-debugger diff models/demo --prompt "def fib(n):" --ablate 4:6
  $ moe-debugger compare MODEL MODEL MODEL --prompts prompts.jsonl --out compare.svg
  $ moe-debugger counterfactual models/demo --prompt "def fib(n):" --ablate 4:6 --from 2 --format mermaid
  $ moe-debugger attribute models/demo --prompt "def fib(n):" --target router:4:6
  $ moe-debugger circuit models/demo --prompt "def fib(n):" --corrupted "def fib(x):" --out circuit.html
  $ moe-debugger heads models/demo --json`;

function build(): Command {
  const program = new Command('moe-debugger')
    .description(
      'See how a Mixture-of-Experts model in ONNX routes its tokens.'
    )
    .version(version)
    .option('--verbose', 'print stack traces with errors')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeErr: () => undefined,
      outputError: () => undefined
    });

  program
    .command('inspect')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description("print each layer's routing convention, read from the graph")
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: { json?: boolean }) =>
      (await import('./inspect.js')).inspect(model, options)
    );

  const trace = program
    .command('trace')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description('run prompts and print the experts that each token selects')
    .option(
      '--logits <which>',
      "keep the model's output logits: last or all",
      parseWhich
    )
    .option('--out <file>', 'write the routing to a Parquet file')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./trace.js')).trace(model, options)
    );
  addPromptOptions(trace);
  addRewriteOption(addEditOptions(trace));

  const generate = program
    .command('generate')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description('generate from a prompt, with the routing of every token')
    .option('--prompt <text>', 'a text')
    .option(
      '--max-new-tokens <n>',
      'maximum number of tokens to generate',
      parseCount
    )
    .option(
      '--temperature <t>',
      'sampling temperature; 0 selects the most likely token',
      parseNumber
    )
    .option(
      '--sample-top-k <k>',
      'sample only from the k most likely',
      parseCount
    )
    .option(
      '--top-p <p>',
      'sample only from the most likely that together reach p',
      parseNumber
    )
    .option('--seed <n>', 'seed of the sampling', parseSeed)
    .option(
      '--stop <text>',
      'stop before this text; can be given several times',
      (text: string, stops: string[] = []) => [...stops, text]
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./generate.js')).generate(model, options)
    );
  addRewriteOption(addEditOptions(generate));

  const lens = program
    .command('lens')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'logit lens: the top tokens of each layer and of each selected expert'
    )
    .option('--prompt <text>', 'a text')
    .option('--input-ids <ids>', 'token ids, for example "1,2,3"', parseIds)
    .option('--top <n>', 'tokens of each distribution', parseCount)
    .option(
      '--positions <which>',
      'last, all, or positions such as "0,3". Default last.',
      parsePositions
    )
    .option('--no-experts', 'do not read single experts')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./lens.js')).lens(model, options)
    );
  addEditOptions(lens);

  program
    .command('steer')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description('compute steering vectors from contrast prompts, for --steer')
    .option(
      '--positive <file>',
      'prompts to steer towards, in the format of --prompts'
    )
    .option('--negative <file>', 'prompts to steer away from')
    .option(
      '--at <where>',
      "the stream at a prompt's last token, or the mean over all. Default last.",
      parseAt
    )
    .option(
      '--layer <L>',
      'write the vector of one layer only: [STACK:]L',
      parseStreamLayer
    )
    .option('--out <file>', 'write the vectors to a JSON file')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./steer.js')).steer(model, options)
    );

  const sweep = program
    .command('sweep')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'ablate every expert, one at a time, and print the effect on the predictions'
    )
    .option(
      '--mode <mode>',
      'mask (a substitute is selected) or drop (its output is removed). Default mask.',
      parseSweepMode
    )
    .option('--layers <L,...>', 'of these layers only', parseRouterPlaces)
    .option(
      '--experts <E,...|L:E,...>',
      'these experts only: of each layer, or one by one',
      parseExperts
    )
    .option(
      '--target <token>',
      'token whose log-probability after the last token is compared: an id, or a text that is one token',
      parseTarget
    )
    .option(
      '--criterion <what>',
      'test which experts the output depends on: token:ID, token:TEXT, text (how probable the prompts are), or regex:PATTERN of the generated text',
      parseCriterion
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./sweep.js')).sweep(model, options)
    );
  addPlacesHelp(addPromptOptions(sweep));
  addCompareCommands(program);
  addVocabularyCommand(program);
  addBalanceCommand(program);
  addCompressCommand(program);
  addTraceCommands(program, parseCount);

  addDiagnose(program);
  addAttributeCommand(program);
  addCircuitCommand(program);
  addHeadsCommand(program);
  addFormatsCommand(program);
  addTriggerCommands(program);

  const kernel = program
    .command('kernel')
    .description('manage the Jupyter kernel "TypeScript (MoE Debugger)"');
  kernel
    .command('install')
    .description('install the kernelspec')
    .option('--user', "in the user's Jupyter folder. This is the default.")
    .option(
      '--sys-prefix [prefix]',
      'in a Python environment: the active or the given one'
    )
    .option('--prefix <prefix>', 'below a prefix, as <prefix>/share/jupyter')
    .option('--json', 'print one JSON document')
    .action(async (options: object) =>
      (await import('./kernel.js')).install(options)
    );
  kernel
    .command('list')
    .description('list where the kernel is installed')
    .option('--json', 'print one JSON document')
    .action(async (options: object) =>
      (await import('./kernel.js')).list(options)
    );
  kernel
    .command('remove')
    .description('remove the kernel')
    .option('--user', "from the user's Jupyter folder. This is the default.")
    .option(
      '--sys-prefix [prefix]',
      'from a Python environment: the active or the given one'
    )
    .option('--prefix <prefix>', 'below a prefix')
    .option('--json', 'print one JSON document')
    .action(async (options: object) =>
      (await import('./kernel.js')).remove(options)
    );

  // Commands that were added before do not inherit settings.
  for (const command of [kernel, ...program.commands, ...kernel.commands]) {
    command.exitOverride().configureOutput({
      writeErr: () => undefined,
      outputError: () => undefined
    });
  }
  return program;
}

function parseSweepMode(text: string): 'mask' | 'drop' {
  if (text !== 'mask' && text !== 'drop') {
    throw new InvalidArgumentError('give mask or drop');
  }
  return text;
}

function parseCriterion(
  text: string
): { token: number | string } | { text: 'own' } | { pattern: RegExp } {
  if (text === 'text') {
    return { text: 'own' };
  }
  const [, kind, value] = /^(token|regex):(.+)$/s.exec(text) ?? [];
  if (kind === 'token') {
    return { token: parseTarget(value) };
  }
  try {
    if (kind === 'regex') {
      return { pattern: new RegExp(value) };
    }
  } catch {
    throw new InvalidArgumentError('the pattern is not a regular expression');
  }
  throw new InvalidArgumentError(
    'give token:ID, token:TEXT, text or regex:PATTERN'
  );
}

function parseTarget(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function parsePositions(text: string): 'last' | 'all' | number[] {
  return text === 'last' || text === 'all' ? text : parseIds(text);
}

function parseAt(text: string): 'last' | 'mean' {
  if (text !== 'last' && text !== 'mean') {
    throw new InvalidArgumentError('give last or mean');
  }
  return text;
}

async function main(): Promise<void> {
  const program = build();
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      return;
    }
    reportError(error, program.opts<{ verbose?: boolean }>().verbose === true);
  }
}

// A reader that stops early, like `head`, is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 2);
});
void main();
