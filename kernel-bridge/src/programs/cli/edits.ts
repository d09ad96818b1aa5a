/** EDITS on the command line, as `model.with` takes them. */
import { InvalidArgumentError, type Command } from 'commander';
import type { AblationMode, Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import { readSteering } from '../../analyses/steering/read-steering';

type ExpertAt = { layer: number; expert: number };

/** What the options of EDITS are parsed to. */
export interface EditArguments {
  ablate?: ExpertAt[];
  ablateMode?: AblationMode;
  swapTo?: number;
  force?: ExpertAt[];
  topK?: number | { layer: number; k: number }[];
  bias?: (ExpertAt & { value: number })[];
  scale?: (ExpertAt & { value: number })[];
  steer?: string[];
  steerScale?: number;
  /** Of commands that can write fused experts in plain operators. */
  rewriteFused?: boolean;
}

/** Adds EDITS to a command. */
export function addEditOptions(command: Command): Command {
  return command
    .option('--ablate <L:E,...>', 'take experts away', parseExperts)
    .option(
      '--ablate-mode <mode>',
      'mask: a substitute enters (the default); drop: its term vanishes; swap: another runs at its weight',
      parseMode
    )
    .option(
      '--swap-to <E>',
      'the expert that runs instead, by swap',
      parseWhole
    )
    .option('--force <L:E,...>', 'run one expert alone', parseExperts)
    .option(
      '--top-k <K|L:K,...>',
      'experts a token, or of one layer',
      parseTopK
    )
    .option(
      '--bias <L:E=V,...>',
      "add to an expert's logit before it is chosen by",
      parseValues
    )
    .option('--scale <L:E=V,...>', 'multiply what an expert adds', parseValues)
    .option(
      '--steer <FILE.json>',
      'add vectors to the residual stream, as "moe-debugger steer" writes them; can be given several times',
      (file: string, files: string[] = []) => [...files, file]
    )
    .option('--steer-scale <s>', 'multiply the vectors of --steer', parseScale);
}

/** Adds what lets fused experts take all edits. */
export function addRewriteOption(command: Command): Command {
  return command.option(
    '--rewrite-fused',
    'run fused MoE and QMoE operators in plain ones, which take every edit'
  );
}

/**
 * @returns undefined when nothing is edited
 * @throws MoEDebuggerError 'usage' for an option that has no effect
 */
export function editsOf({
  ablate,
  ablateMode,
  swapTo,
  force,
  topK,
  bias,
  scale,
  steer,
  steerScale
}: EditArguments): Edits | undefined {
  if (!ablate && (ablateMode !== undefined || swapTo !== undefined)) {
    throw new MoEDebuggerError('usage', 'nothing is ablated', {
      where: ablateMode === undefined ? '--swap-to' : '--ablate-mode',
      hint: 'give --ablate L:E too, or leave it out'
    });
  }
  if (!steer && steerScale !== undefined) {
    throw new MoEDebuggerError('usage', 'nothing is steered', {
      where: '--steer-scale',
      hint: 'give --steer FILE.json too, or leave it out'
    });
  }
  if (!ablate && !force && topK === undefined && !bias && !scale && !steer) {
    return undefined;
  }
  const files = (steer ?? []).map(readSteering);
  const biases = [...(bias ?? []), ...files.flatMap(file => file.bias ?? [])];
  return {
    ...(ablate
      ? {
          ablate: ablate.map(edit => ({
            ...edit,
            ...(ablateMode ? { mode: ablateMode } : {}),
            ...(swapTo === undefined ? {} : { to: swapTo })
          }))
        }
      : {}),
    ...(force ? { force } : {}),
    ...(topK === undefined ? {} : { topK }),
    ...(biases.length > 0 ? { bias: biases } : {}),
    ...(scale
      ? {
          scale: scale.map(({ value, ...edit }) => ({ ...edit, factor: value }))
        }
      : {}),
    ...(steer
      ? {
          steer: files.flatMap(file =>
            (file.steer ?? []).map(own => ({
              ...own,
              scale: (own.scale ?? 1) * (steerScale ?? 1)
            }))
          )
        }
      : {})
  };
}

/** An option that is given again adds to what it was given before. */
function parseExperts(text: string, before: ExpertAt[] = []): ExpertAt[] {
  return [
    ...before,
    ...text.split(',').map(part => {
      const [, layer, expert] = match(part, /^(\d+):(\d+)$/, 'layer:expert');
      return { layer: Number(layer), expert: Number(expert) };
    })
  ];
}

function parseValues(
  text: string,
  before: (ExpertAt & { value: number })[] = []
): (ExpertAt & { value: number })[] {
  return [
    ...before,
    ...text.split(',').map(part => {
      const [, layer, expert, value] = match(
        part,
        /^(\d+):(\d+)=([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i,
        'layer:expert=value'
      );
      return {
        layer: Number(layer),
        expert: Number(expert),
        value: Number(value)
      };
    })
  ];
}

function parseTopK(
  text: string,
  before?: number | { layer: number; k: number }[]
): number | { layer: number; k: number }[] {
  if (/^\s*\d+\s*$/.test(text) && before === undefined) {
    return Number(text);
  }
  if (typeof before === 'number') {
    throw new InvalidArgumentError('give one k for all layers, or L:K');
  }
  return [
    ...(before ?? []),
    ...text.split(',').map(part => {
      const [, layer, k] = match(part, /^(\d+):(\d+)$/, 'K or layer:K');
      return { layer: Number(layer), k: Number(k) };
    })
  ];
}

function parseScale(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new InvalidArgumentError('give a number');
  }
  return value;
}

function parseMode(text: string): AblationMode {
  if (text !== 'mask' && text !== 'drop' && text !== 'swap') {
    throw new InvalidArgumentError('give mask, drop or swap');
  }
  return text;
}

function parseWhole(text: string): number {
  return Number(match(text, /^\d+$/, 'an expert')[0]);
}

function match(text: string, pattern: RegExp, form: string): RegExpExecArray {
  const found = pattern.exec(text.trim());
  if (!found) {
    throw new InvalidArgumentError(`give ${form}`);
  }
  return found;
}
