/** Parses EDITS of the command line to the edits of `model.with`. */
import { InvalidArgumentError, type Command } from 'commander';
import type { AblationMode, Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import {
  expertText,
  type ExpertPlace,
  type RouterPlace
} from '../../base/protocol/places';
import { readSteering } from '../../analyses/steering/read-steering';
import { addPlacesHelp, parseExpertPlace, parseTopKPlace } from './places';

type ExpertValue = ExpertPlace & { value: number };

/** Parsed options of EDITS. */
export interface EditArguments {
  ablate?: ExpertPlace[];
  ablateMode?: AblationMode;
  swapTo?: number | ExpertPlace[];
  force?: ExpertPlace[];
  topK?: number | (RouterPlace & { k: number })[];
  bias?: ExpertValue[];
  selectionBias?: ExpertValue[];
  scale?: ExpertValue[];
  steer?: string[];
  steerScale?: number;
  /** For commands that can decompose fused experts. */
  rewriteFused?: boolean;
}

/** Adds the options of EDITS to a command. */
export function addEditOptions(command: Command): Command {
  return addPlacesHelp(command)
    .option('--ablate <L:E,...>', 'take experts away', parseExperts)
    .option(
      '--ablate-mode <mode>',
      'mask (a substitute is selected), drop (its output is removed) or swap (another expert runs with its weight). Default mask.',
      parseMode
    )
    .option(
      '--swap-to <E|L:E,...>',
      'the expert that runs instead, by swap; of one router, or of all that are ablated',
      parseSubstitutes
    )
    .option('--force <L:E,...>', 'run only one expert', parseExperts)
    .option(
      '--top-k <K|L:K,...>',
      'experts per token, for all layers or one',
      parseTopK
    )
    .option(
      '--bias <L:E=V,...>',
      "add to an expert's logit before selection",
      parseValues
    )
    .option(
      '--selection-bias <L:E=V,...>',
      'add to what an expert is selected by, and to no weight',
      parseValues
    )
    .option('--scale <L:E=V,...>', "multiply an expert's output", parseValues)
    .option(
      '--steer <FILE.json>',
      'add vectors to the residual stream, from a file of "moe-debugger steer"; can be given several times',
      (file: string, files: string[] = []) => [...files, file]
    )
    .option('--steer-scale <s>', 'multiply the vectors of --steer', parseScale);
}

/** Adds the option that lets fused experts support all edits. */
export function addRewriteOption(command: Command): Command {
  return command.option(
    '--rewrite-fused',
    'decompose fused MoE and QMoE operators to plain ones, which support every edit'
  );
}

/**
 * @returns undefined without edits
 * @throws MoEDebuggerError 'usage' for an option that has no effect
 */
export function editsOf({
  ablate,
  ablateMode,
  swapTo,
  force,
  topK,
  bias,
  selectionBias,
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
  checkSubstitutes(ablate ?? [], swapTo);
  if (!steer && steerScale !== undefined) {
    throw new MoEDebuggerError('usage', 'nothing is steered', {
      where: '--steer-scale',
      hint: 'give --steer FILE.json too, or leave it out'
    });
  }
  if (
    !ablate &&
    !force &&
    topK === undefined &&
    !bias &&
    !selectionBias &&
    !scale &&
    !steer
  ) {
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
            ...(swapTo === undefined ? {} : { to: substituteOf(edit, swapTo) })
          }))
        }
      : {}),
    ...(force ? { force } : {}),
    ...(topK === undefined ? {} : { topK }),
    ...(biases.length > 0 ? { bias: biases } : {}),
    ...(selectionBias ? { selectionBias } : {}),
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

/** @throws MoEDebuggerError 'usage' for a substitute at a router where nothing is ablated */
function checkSubstitutes(
  ablate: readonly ExpertPlace[],
  swapTo: number | readonly ExpertPlace[] = []
): void {
  const stray =
    typeof swapTo === 'number'
      ? undefined
      : swapTo.find(to => !ablate.some(own => mayShareRouter(own, to)));
  if (stray) {
    throw new MoEDebuggerError(
      'usage',
      `nothing is ablated where ${expertText(stray)} runs`,
      { where: '--swap-to', hint: 'give an expert of an ablated router' }
    );
  }
}

/** @throws MoEDebuggerError 'usage' where none is given for that router, or several */
function substituteOf(
  ablated: ExpertPlace,
  swapTo: number | readonly ExpertPlace[]
): number | ExpertPlace {
  if (typeof swapTo === 'number') {
    return swapTo;
  }
  const own = swapTo.filter(to => mayShareRouter(ablated, to));
  if (own.length !== 1) {
    throw new MoEDebuggerError(
      'usage',
      own.length === 0
        ? `nothing is given to run instead of ${expertText(ablated)}`
        : `${own.map(expertText).join(' and ')} are given to run instead of ${expertText(ablated)}`,
      { where: '--swap-to', hint: 'give one expert of each ablated router' }
    );
  }
  return own[0];
}

/** Which router a place means is known with the model only; what is left out may be anything. */
function mayShareRouter(a: RouterPlace, b: RouterPlace): boolean {
  return (
    a.layer === b.layer &&
    (a.stack ?? b.stack) === (b.stack ?? a.stack) &&
    (a.module ?? b.module) === (b.module ?? a.module)
  );
}

/** An option that is given again adds to what it was given before. */
function parseExperts(text: string, before: ExpertPlace[] = []): ExpertPlace[] {
  return [...before, ...text.split(',').map(parseExpertPlace)];
}

function parseValues(text: string, before: ExpertValue[] = []): ExpertValue[] {
  return [
    ...before,
    ...text.split(',').map(part => {
      const [, expert, value] = match(
        part,
        /^(.+)=([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i,
        VALUE_FORM
      );
      return { ...parseExpertPlace(expert), value: Number(value) };
    })
  ];
}

const VALUE_FORM = '[STACK:]L[:MODULE]:E=VALUE, such as 3:5=2.5';

function parseTopK(
  text: string,
  before?: EditArguments['topK']
): EditArguments['topK'] {
  if (/^\s*\d+\s*$/.test(text) && before === undefined) {
    return Number(text);
  }
  if (typeof before === 'number') {
    throw new InvalidArgumentError('give one k for all layers, or L:K');
  }
  return [...(before ?? []), ...text.split(',').map(parseTopKPlace)];
}

function parseSubstitutes(
  text: string,
  before?: EditArguments['swapTo']
): EditArguments['swapTo'] {
  if (/^\s*\d+\s*$/.test(text)) {
    return Number(text);
  }
  return parseExperts(text, typeof before === 'object' ? before : []);
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

function match(text: string, pattern: RegExp, form: string): RegExpExecArray {
  const found = pattern.exec(text.trim());
  if (!found) {
    throw new InvalidArgumentError(`give ${form}`);
  }
  return found;
}
