/** What comes to the kernel, from whoever can reach it: read field by field, and refused by name. */
import { count, flag, object, oneOf, text } from './checks';
import { ProtocolError } from './error';
import { FIGURE_NAMES } from './figure';
import type { Envelope, FromKernel, ToKernel } from './messages';
import { ANSWER_TYPES, isQuestionType } from './questions';
import { readTokenQuestion } from './token-page';
import { TOOL_NAMES } from './tools';

const MAX_ID_LENGTH = 200;
const MAX_SHOWN = 40;
const MAX_REFUSAL = 400;
/** Stands for the tool in the answer to a message that names none. */
const NO_TOOL = -1;

/** @throws ProtocolError naming the field that is wrong */
export function readToKernel(value: unknown): ToKernel {
  const source = object(value, 'the message');
  const { type } = source;
  switch (type) {
    case 'subscribe':
    case 'unsubscribe':
      return { type };
    case 'get-trace':
      return {
        type,
        ...readQuestion(source),
        ...(source.follow === undefined
          ? {}
          : { follow: flag(source.follow, 'follow') })
      };
    case 'drawn':
      return {
        type,
        id: text(source.id, 'id', MAX_ID_LENGTH),
        batch: readId(source.batch, 'batch')
      };
    case 'unfollow':
      return { type, id: text(source.id, 'id', MAX_ID_LENGTH) };
    case 'diagnose':
      return { type, ...readQuestion(source) };
    case 'draw':
      return {
        type,
        ...readQuestion(source),
        name: readName(source.name, FIGURE_NAMES, 'figure'),
        layerIndex: count(source.layerIndex, 'layerIndex')
      };
    case 'outline':
      return { type, ...readQuestion(source) };
    case 'profile':
      return {
        type,
        ...readQuestion(source),
        trace: text(source.trace, 'trace', MAX_ID_LENGTH),
        sample: count(source.sample, 'sample')
      };
    case 'cancel':
      return { type, request: readId(source.request, 'request') };
    case 'elements':
      return { type, ...readQuestion(source) };
    case 'expert':
      return {
        type,
        ...readQuestion(source),
        layerIndex: count(source.layerIndex, 'layerIndex'),
        expert: count(source.expert, 'expert')
      };
    case 'list-tokens':
      return { type, ...readQuestion(source), ...readTokenQuestion(source) };
    case 'open-tool':
      return {
        type,
        tool: readId(source.tool, 'tool'),
        name: readName(source.name, TOOL_NAMES, 'tool'),
        modelId: text(source.modelId, 'modelId', MAX_ID_LENGTH)
      };
    case 'act':
      // The tool itself reads its actions.
      return {
        type,
        tool: readId(source.tool, 'tool'),
        action: source.action
      };
    case 'close-tool':
      return { type, tool: readId(source.tool, 'tool') };
    default:
      throw new ProtocolError(`unknown message ${shown(type)}`);
  }
}

/** @throws ProtocolError */
export function readEnvelope(value: unknown): Envelope {
  const { messageId, replyTo } = object(value, 'the message');
  return {
    ...(messageId === undefined
      ? {}
      : { messageId: readId(messageId, 'messageId') }),
    ...(replyTo === undefined ? {} : { replyTo: readId(replyTo, 'replyTo') })
  };
}

/** The answer to a message that cannot be read, or not be done: of the type that its sender waits for. */
export function refusalOf(value: unknown, reason: string): FromKernel {
  const source = isRecord(value) ? value : {};
  const message = reason.slice(0, MAX_REFUSAL);
  const request = idOrNone(source.request);
  switch (source.type) {
    case 'open-tool':
    case 'act':
    case 'close-tool':
      return {
        type: 'tool-error',
        tool: idOrNone(source.tool) ?? NO_TOOL,
        message
      };
    default: {
      return isQuestionType(source.type) && request !== undefined
        ? { type: `${ANSWER_TYPES[source.type]}-error`, request, message }
        : {
            type: 'error',
            ...(request === undefined ? {} : { request }),
            message
          };
    }
  }
}

function readQuestion(source: Record<string, unknown>): {
  request: number;
  id: string;
} {
  return {
    request: readId(source.request, 'request'),
    id: text(source.id, 'id', MAX_ID_LENGTH)
  };
}

/** A page may be newer than its kernel, and know more names. */
function readName<const Name extends string>(
  value: unknown,
  names: readonly Name[],
  what: string
): Name {
  if (typeof value === 'string' && !names.includes(value as Name)) {
    throw new ProtocolError(
      `this kernel has no ${what} ${shown(value)}: update moe-debugger`
    );
  }
  return oneOf(value, names, 'name');
}

function readId(value: unknown, at: string): number {
  return count(value, at, Number.MAX_SAFE_INTEGER);
}

function idOrNone(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : undefined;
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, MAX_SHOWN))
    : `of type ${typeof value}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
