/** Renders chat messages with the model's own Jinja template. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Jinja from '@huggingface/jinja' with {
  'resolution-mode': 'import'
};
import { MoEDebuggerError } from '../../base/errors';
import { readJson, type JsonConfig } from './config';
import { withTimeLimit } from './time-limit';

export interface ChatMessage {
  /** "system", "user", "assistant", or another role of the model's template. */
  role: string;
  content: string;
}

// The package has types only for its ESM build; its CommonJS build is loaded with the first template.
const load = createRequire(__filename);

// A template is an untrusted program: these limit it.
const MAX_TEMPLATE_BYTES = 1 << 20;
const MAX_RANGE = 100_000;
const MAX_MILLISECONDS = 2000;

export class ChatTemplate {
  private _template?: { source: string; path: string };

  /** @param _folder of the model; nothing is read before the first rendering */
  constructor(private readonly _folder: string) {}

  /**
   * The text of a conversation, up to the start of the model's answer.
   * @throws MoEDebuggerError 'tokenizer' when the model has no chat template or it is invalid; 'input' when it rejects
   * these messages
   */
  render(messages: readonly ChatMessage[]): string {
    checkMessages(messages);
    const config = readJson(join(this._folder, 'tokenizer_config.json')) ?? {};
    const { source, path } = (this._template ??= this._find(config));
    const { Template } = load('@huggingface/jinja') as typeof Jinja;
    let template: Jinja.Template;
    try {
      // The template's own `range` would allocate lists of any length.
      template = new Template(`{% set range = bounded_range %}\n${source}`);
    } catch (error) {
      throw new MoEDebuggerError(
        'tokenizer',
        `the chat template cannot be read: ${(error as Error).message}`,
        {
          where: path,
          hint: 'render the messages yourself and give their text as the prompt',
          cause: error
        }
      );
    }
    try {
      return withTimeLimit(MAX_MILLISECONDS, () =>
        template.render({
          ...specialTokens(config),
          messages,
          add_generation_prompt: true,
          tools: null,
          documents: null,
          bounded_range: boundedRange
        })
      );
    } catch (error) {
      throw new MoEDebuggerError(
        'input',
        `the chat template rejects the messages: ${(error as Error).message}`,
        {
          where: path,
          hint: 'give messages with the roles and in the order that this model supports',
          cause: error
        }
      );
    }
  }

  private _find(config: JsonConfig): { source: string; path: string } {
    const file = join(this._folder, 'chat_template.jinja');
    if (existsSync(file)) {
      if (statSync(file).size > MAX_TEMPLATE_BYTES) {
        throw unusable(
          `the chat template is larger than ${MAX_TEMPLATE_BYTES >> 20} MB`,
          file
        );
      }
      return { source: readFileSync(file, 'utf8'), path: file };
    }
    const path = join(this._folder, 'tokenizer_config.json');
    const given = config.chat_template;
    const source = Array.isArray(given)
      ? (given as { name?: unknown; template?: unknown }[]).find(
          entry => entry?.name === 'default'
        )?.template
      : given;
    if (typeof source !== 'string') {
      throw unusable('the model has no chat template', this._folder);
    }
    if (source.length > MAX_TEMPLATE_BYTES) {
      throw unusable(
        `the chat template is larger than ${MAX_TEMPLATE_BYTES >> 20} MB`,
        path
      );
    }
    return { source, path };
  }
}

function unusable(what: string, where: string): MoEDebuggerError {
  return new MoEDebuggerError('tokenizer', what, {
    where,
    hint: 'give the prompt as a text, or put a chat_template.jinja beside the model'
  });
}

function checkMessages(messages: readonly ChatMessage[]): void {
  const valid =
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every(
      message =>
        typeof message?.role === 'string' && typeof message.content === 'string'
    );
  if (!valid) {
    throw new MoEDebuggerError(
      'input',
      'the messages are not a list of { role, content }',
      {
        where: 'messages',
        hint: "for example [{ role: 'user', content: 'Hello' }]"
      }
    );
  }
}

/** Tokens that templates write by name: bos_token, eos_token and so on. */
function specialTokens(config: JsonConfig): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    const text =
      typeof value === 'object' && value !== null
        ? (value as JsonConfig).content
        : value;
    if (name.endsWith('_token') && typeof text === 'string') {
      tokens[name] = text;
    }
  }
  return tokens;
}

function boundedRange(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= MAX_RANGE)) {
    throw new Error(`a range of ${length} numbers`);
  }
  return Array.from({ length }, (_, i) => from + i * step);
}
