/** Parses the arguments of `circuit`. */
import { Option, type Command } from 'commander';
import { parseCount, parseIds, parseNumber, parseSeed } from './option-values';
import { parsePatchTarget } from './patch-target';
import { addPlacesHelp } from './places';
import type { CircuitArguments } from './circuit-arguments';

export function addCircuitCommand(program: Command): void {
  const circuit = program
    .command('circuit')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description(
      'find the circuit that carries the difference between two prompts, or those of many pairs, to a logit or router score'
    )
    .option('--prompt <text>', 'the clean prompt')
    .option('--input-ids <ids>', 'its token ids, such as "1,2,3"', parseIds)
    .option(
      '--corrupted <text>',
      'the corrupted prompt, with the same number of tokens'
    )
    .option('--corrupted-ids <ids>', 'its token ids', parseIds)
    .option(
      '--pairs <file>',
      'instead: a JSON Lines file of {"clean", "corrupted", "target"?, "position"?}; every second pair is held out to measure on'
    )
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
    .option(
      '--resamples <n>',
      'with --pairs: sets of pairs that are drawn, to tell how sure the circuit is. Default 1000.',
      parseCount
    )
    .option(
      '--no-directions',
      'with --pairs: extract no directions of the residual stream'
    )
    .option(
      '--direction-layer <n>',
      'with --pairs: the layer whose direction is compared with others. Default: the first that steers half as far as the best.',
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
