/** Prompts that tools begin with, as the text of their boxes. */
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import { promptList } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';

/** A text, or token ids. */
export type ToolPrompt = string | readonly number[];

/**
 * The given prompt, or the trace's, or none.
 *
 * @param where name of the option, for messages
 * @throws MoEDebuggerError 'input' for what is no prompt of a tool
 */
export function firstPrompt(
  model: LoadedModel,
  prompt: ToolPrompt | undefined,
  trace: RoutingTrace | undefined,
  where: string = 'prompt'
): string {
  return prompt === undefined
    ? trace
      ? promptOf(model, trace)
      : ''
    : promptText(model, prompt, where);
}

/**
 * Prompts for a box of one prompt a line.
 *
 * @throws MoEDebuggerError 'input' for what is no prompt of a tool, or one of several lines
 */
export function promptLines(
  model: LoadedModel,
  prompts: ToolPrompt | readonly ToolPrompt[]
): string {
  const texts = promptList(prompts).map((prompt, i, { length }) =>
    promptText(
      model,
      prompt as ToolPrompt,
      length === 1 ? 'prompts' : `prompt ${i + 1}`
    )
  );
  const broken = texts.find(text => /[\r\n]/.test(text));
  if (broken !== undefined) {
    throw new MoEDebuggerError(
      'input',
      `the prompt ${JSON.stringify(broken.slice(0, SHOWN))} has several lines, and the tool has one prompt a line`,
      { where: 'prompts', hint: 'give it to model.sweep, which takes any text' }
    );
  }
  return texts.join('\n');
}

const SHOWN = 40;

/** The prompt of a trace's first sample, as far as its tokens contain it. */
export function promptOf(
  model: LoadedModel,
  { samples: [sample], promptTokens }: RoutingTrace
): string {
  const given = sample.encoderTokens ?? sample.tokens.slice(0, promptTokens);
  return idsText(
    model,
    given.map(({ id }) => id)
  );
}

function promptText(
  model: LoadedModel,
  prompt: ToolPrompt,
  where: string
): string {
  if (typeof prompt === 'string') {
    return prompt;
  }
  if (!Array.isArray(prompt) || prompt.some(id => typeof id !== 'number')) {
    throw new MoEDebuggerError(
      'input',
      'a prompt of a tool is a text or a list of token ids',
      { where, hint: `for example { ${where.split(' ')[0]}: 'def fib(n):' }` }
    );
  }
  // Validates the ids.
  return idsText(model, model.tokenize(prompt as readonly number[]).ids);
}

function idsText({ tokenizer }: LoadedModel, ids: readonly number[]): string {
  return tokenizer ? tokenizer.decode([...ids]) : ids.join(', ');
}
