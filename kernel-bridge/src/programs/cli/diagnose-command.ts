/** `diagnose` and `analyze` as the command line knows them; what they do is loaded when it is asked for. */
import { InvalidArgumentError, type Command } from 'commander';

export function addDiagnose(program: Command): void {
  program
    .command('diagnose')
    .argument(
      '<model or trace>',
      'a folder with a .onnx file, the file, or a Parquet trace'
    )
    .description(
      'find dead, cold, collapsed, duplicate and broken experts, with the evidence'
    )
    .option(
      '--prompts <file>',
      'texts to run, a JSON Lines file: {"id"?, "text" | "input_ids", "domain"?} a line; built-in texts otherwise'
    )
    .option(
      '--outputs',
      'compare experts by what they put out too, not by their weights alone'
    )
    .option('--baseline <trace>', 'find what changed against a Parquet trace')
    .option(
      '--threshold <name=value>',
      'another threshold than the default; can be given several times',
      parseThreshold
    )
    .option(
      '--fail-on <severity>',
      'exit with 1 when there is an error, or a warning too',
      parseSeverity
    )
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: object) =>
      (await import('./diagnose.js')).printDiagnosis(model, options)
    );

  program
    .command('analyze')
    .argument('<trace>', 'a Parquet trace')
    .description(
      'what its experts do: roles, co-activation, domains, contexts, pipelines'
    )
    .option('--json', 'print one JSON document')
    .action(async (trace: string, options: object) =>
      (await import('./analyze.js')).printAnalysis(trace, options)
    );
}

function parseThreshold(
  text: string,
  before: Record<string, number> = {}
): Record<string, number> {
  const [, name, value] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || !Number.isFinite(Number(value))) {
    throw new InvalidArgumentError('give NAME=VALUE');
  }
  return { ...before, [name]: Number(value) };
}

function parseSeverity(text: string): 'error' | 'warning' {
  if (text !== 'error' && text !== 'warning') {
    throw new InvalidArgumentError('give error or warning');
  }
  return text;
}
