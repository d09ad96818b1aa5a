/** Defines `diagnose` and `analyze`; their code is loaded when they run. */
import { InvalidArgumentError, type Command } from 'commander';

export function addDiagnose(program: Command): void {
  program
    .command('diagnose')
    .argument(
      '<model or trace>',
      'a folder with a .onnx file, the file, or a Parquet trace'
    )
    .description(
      'find dead, cold, collapsed, duplicate and broken experts, with evidence'
    )
    .option(
      '--prompts <file>',
      'prompts, a JSON Lines file with one {"id"?, "text" | "input_ids", "domain"?} per line. Default: built-in texts.'
    )
    .option(
      '--outputs',
      'also compare the outputs of experts, not only their weights'
    )
    .option('--baseline <trace>', 'find changes against a Parquet trace')
    .option(
      '--threshold <name=value>',
      'set a threshold; can be given several times',
      parseThreshold
    )
    .option(
      '--fail-on <severity>',
      'exit with 1 on an error, or on a warning too',
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
      'describe its experts: roles, co-activation, domains, contexts, pipelines'
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
