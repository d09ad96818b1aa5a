/** Prompts, validated against the model's vocabulary and context. */
import { MoEDebuggerError } from '../../base/errors';
import type { ChatMessage, ChatTemplate } from './chat-template';
import type { Tokenizer } from './tokenizer';

/** Text, token ids or chat messages; for encoder-decoder models also the decoder's tokens so far. */
export interface PromptObject {
  text?: string;
  inputIds?: readonly number[];
  /** Rendered by the model's chat template, up to the start of its answer. */
  messages?: readonly ChatMessage[];
  decoderInputIds?: readonly number[];
  id?: string;
  domain?: string;
}
export type Prompt = string | readonly number[] | PromptObject;

export interface TokenizedPrompt {
  id: string;
  domain?: string;
  ids: number[];
  decoderIds?: number[];
  /** The given text, or "12 token ids". */
  label: string;
}

export interface PromptLimits {
  tokenizer?: Tokenizer;
  /** Why there is none. */
  noTokenizer?: string;
  chat?: ChatTemplate;
  vocabulary?: number;
  context?: number;
  /** Default decoder ids; undefined for models without a decoder stack. */
  decoderStart?: number[];
}

/** A list of numbers is one prompt of token ids; any other list is a list of prompts. */
export function promptList(
  prompts: Prompt | readonly Prompt[]
): readonly Prompt[] {
  return Array.isArray(prompts) &&
    (prompts.length === 0 || typeof prompts[0] !== 'number')
    ? (prompts as readonly Prompt[])
    : [prompts as Prompt];
}

export function promptObject(prompt: Prompt): PromptObject {
  return typeof prompt === 'string'
    ? { text: prompt }
    : isIds(prompt)
      ? { inputIds: prompt }
      : prompt;
}

/** @throws MoEDebuggerError 'input' or 'tokenizer' naming what is invalid, and what is valid */
export function tokenizePrompt(
  prompt: Prompt,
  index: number,
  limits: PromptLimits
): TokenizedPrompt {
  const given = promptObject(prompt);
  if (
    typeof given !== 'object' ||
    given === null ||
    [given.text, given.inputIds, given.messages].filter(
      value => value !== undefined
    ).length !== 1
  ) {
    throw new MoEDebuggerError(
      'input',
      'a prompt is a text, a list of token ids, or an object with one of text, inputIds and messages',
      {
        where: `prompt ${index + 1}`,
        hint: "for example model.trace('def fib(n):') or model.trace([1, 2, 3])"
      }
    );
  }
  const where = given.id ? `prompt ${given.id}` : `prompt ${index + 1}`;
  const text = given.messages
    ? renderChat(given.messages, where, limits)
    : given.text;
  // A chat template writes the special tokens itself.
  const ids = given.inputIds
    ? [...given.inputIds]
    : encode(text!, where, limits, {
        specialTokens: given.messages === undefined
      });
  check(ids, where, limits);
  const result: TokenizedPrompt = {
    id: given.id ?? String(index),
    ...(given.domain === undefined ? {} : { domain: given.domain }),
    ids,
    label: text ?? `${ids.length} token ids`
  };
  if (limits.decoderStart) {
    result.decoderIds = given.decoderInputIds
      ? [...given.decoderInputIds]
      : limits.decoderStart;
    check(result.decoderIds, `${where}, decoder`, limits);
  }
  return result;
}

function isIds(prompt: Prompt): prompt is readonly number[] {
  return Array.isArray(prompt) || ArrayBuffer.isView(prompt);
}

function renderChat(
  messages: readonly ChatMessage[],
  where: string,
  { chat }: PromptLimits
): string {
  if (!chat) {
    throw new MoEDebuggerError('tokenizer', 'messages are not supported here', {
      where,
      hint: 'give a text or token ids'
    });
  }
  return chat.render(messages);
}

function encode(
  text: string,
  where: string,
  { tokenizer, noTokenizer = 'the model has no tokenizer.json' }: PromptLimits,
  options: { specialTokens: boolean }
): number[] {
  if (!tokenizer) {
    throw new MoEDebuggerError('tokenizer', noTokenizer, {
      where,
      hint: 'put one beside the model, or give token ids instead of text'
    });
  }
  if (typeof text !== 'string' || text.length === 0) {
    throw new MoEDebuggerError('input', 'the prompt is empty', {
      where,
      hint: 'give at least one token'
    });
  }
  return tokenizer.encode(text, options);
}

function check(
  ids: readonly number[],
  where: string,
  { vocabulary, context }: PromptLimits
): void {
  if (ids.length === 0) {
    throw new MoEDebuggerError('input', 'the prompt has no tokens', {
      where,
      hint: 'give at least one token'
    });
  }
  if (context !== undefined && ids.length > context) {
    throw new MoEDebuggerError(
      'input',
      `the prompt has ${ids.length} tokens and the model's context is ${context}`,
      {
        where,
        hint: `shorten it to ${context} tokens`
      }
    );
  }
  const wrong = ids.find(
    id =>
      !Number.isInteger(id) ||
      id < 0 ||
      (vocabulary !== undefined && id >= vocabulary)
  );
  if (wrong !== undefined) {
    throw new MoEDebuggerError(
      'input',
      `token id ${wrong} is not in the model's vocabulary`,
      {
        where,
        hint:
          vocabulary === undefined
            ? 'ids are non-negative integers'
            : `ids run from 0 to ${vocabulary - 1}`
      }
    );
  }
}
