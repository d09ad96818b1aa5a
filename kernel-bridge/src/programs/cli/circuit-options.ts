/** Parses the arguments of `circuit`. */
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
      'find the circuit that carries the difference between two prompts to a logit or router score'
    )
    .option('--prompt <text>', 'the clean prompt')
    .option('--input-ids <ids>', 'its token ids, such as "1,2,3"', parseIds)
    .option(
      '--corrupted <text>',
      'the corrupted prompt, with the same number of tokens'
    )
    .option('--corrupted-ids <ids>', 'its token ids', parseIds)
    .addOption(
      new Option(
        '--corrupted-embeddings <how>',
        'instead of a corrupted prompt: zero embeddings, or their mean'
      ).choices(['zero', 'mean'])
    )
    .option(
      '--target <target>',
      'logit:TOKEN, an id or a text, router:L:E, or difference, of the likeliest tokens of both prompts, or difference:ID:ID; the likeliest next token',
      parsePatchTarget
    )
    .option(
      '--position <p>',
      'token at which the target is read. Default: the last.',
      parseSeed
    )
    .addOption(
      new Option(
        '--direction <direction>',
        'noising (patch corrupted activations into the clean run) or denoising (the reverse). Default noising.'
      ).choices(['noising', 'denoising'])
    )
    .option(
      '--steps <n>',
      'points between the prompts whose gradients are averaged; 1 is a single backward pass. Default 8.',
      parseCount
    )
    .option(
      '--threshold <effect>',
      'minimum absolute effect of an edge',
      parseNumber
    )
    .option(
      '--edges <n>',
      'number of edges to keep, strongest first',
      parseCount
    )
    .option('--nodes-only', 'patch nodes without finding edges')
    .option('--no-parts', 'do not separate the heads and experts of a layer')
    .option(
      '--measure <n>',
      'nodes, and nodes at single tokens, whose effects are measured: that many of the strongest, and as many random ones. Default 32.',
      parseSeed
    )
    .option('--seed <n>', 'seed of random choices. Default 0.', parseSeed)
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['text', 'json', 'dot', 'mermaid', 'html'])
        .default('text')
    )
    .option('--out <file>', 'write to a file: .json, .dot, .mmd or .html')
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
