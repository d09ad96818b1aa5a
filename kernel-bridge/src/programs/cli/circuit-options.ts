/** The arguments of `circuit`, read and checked. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { PatchTarget } from '../../analyses/patching/options';
import { parseTarget } from './attribute-options';
import { parseCount, parseIds, parseNumber, parseSeed } from './option-values';
import { addPlacesHelp } from './places';
import type { CircuitArguments } from './circuit-arguments';

export function addCircuitCommand(program: Command): void {
  const circuit = program
    .command('circuit')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'by which heads, experts and edges between them the difference between two prompts reaches a logit or a routing decision'
    )
    .option('--prompt <text>', 'the clean prompt')
    .option('--input-ids <ids>', 'its token ids, such as "1,2,3"', parseIds)
    .option('--corrupted <text>', 'the other prompt, of as many tokens')
    .option('--corrupted-ids <ids>', 'its token ids', parseIds)
    .addOption(
      new Option(
        '--corrupted-embeddings <how>',
        'no other prompt: all embeddings are zero, or the mean of their table'
      ).choices(['zero', 'mean'])
    )
    .option(
      '--target <target>',
      'logit:TOKEN, an id or a text, router:L:E, or difference, of the likeliest tokens of both prompts, or difference:ID:ID; the likeliest next token',
      parsePatchTarget
    )
    .option(
      '--position <p>',
      'the token that the target is read at; the last',
      parseSeed
    )
    .addOption(
      new Option(
        '--direction <direction>',
        'noising: corrupted activations into the clean run (the default); denoising: the other way round'
      ).choices(['noising', 'denoising'])
    )
    .option(
      '--steps <n>',
      'places between the prompts over which gradients are averaged; 8, 1 for one backward pass',
      parseCount
    )
    .option(
      '--threshold <effect>',
      'leave out edges whose effect is smaller',
      parseNumber
    )
    .option('--edges <n>', 'keep so many of the strongest edges', parseCount)
    .option('--nodes-only', 'patch nodes, and look for no edges')
    .option('--no-parts', 'take the heads and experts of a layer as one')
    .option(
      '--measure <n>',
      'nodes, and nodes at single tokens, that are patched for real: the strongest, and as many at random; 32',
      parseSeed
    )
    .option('--seed <n>', 'repeat what is drawn at random', parseSeed)
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'json', 'dot', 'mermaid', 'html'])
        .default('text')
    )
    .option('--out <file>', 'write it to a file: .json, .dot, .mmd or .html')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: CircuitArguments) =>
      (await import('./circuit.js')).circuit(model, options)
    );
  addPlacesHelp(circuit);
}

function parsePatchTarget(text: string): PatchTarget {
  if (text === 'difference') {
    return { kind: 'logit-difference' };
  }
  const pair = /^difference:(\d+):(\d+)$/.exec(text);
  if (pair) {
    return {
      kind: 'logit-difference',
      token: Number(pair[1]),
      against: Number(pair[2])
    };
  }
  if (text.startsWith('difference')) {
    throw new InvalidArgumentError('give difference or difference:ID:ID');
  }
  return parseTarget(text);
}
