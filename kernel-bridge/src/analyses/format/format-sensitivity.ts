/** Writes texts in other formats, and measures how far the routing moves: against arbitrary changes and other texts. */
import { MoEDebuggerError } from '../../base/errors';
import { counted } from '../../base/protocol';
import { randomNumbers } from '../../base/statistics/random';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import { loadedOf } from '../../run/model/model-handle';
import { promptKey, withoutCopies } from '../../run/model/distinct-prompts';
import {
  promptList,
  type Prompt,
  type TokenizedPrompt
} from '../../run/model/prompt';
import { tracePrompts } from '../../run/trace/trace-prompts';
import { textBeginning } from '../attention/repeated-sequences';
import { changedArbitrarily, changeSize } from './arbitrary-change';
import { FormatSensitivity } from './format-result';
import { FormatTally } from './format-tally';
import { checkOptions, textOf, type FormatOptions } from './options';
import { contentOf, TEXT_CHANGES, type TextChange } from './text-changes';

/** Tokens that arbitrary changes draw from. */
const MAX_POOL = 1 << 16;

/**
 * How far the routing of texts moves when only their format changes: case, whitespace, punctuation, line breaks, list,
 * markdown and quotes. Letters and digits stay, in their order. Each variant is compared with a text in which as many
 * random tokens were replaced, and all with other texts.
 *
 * @param prompts texts; each counts once, so several are needed for intervals
 * @throws MoEDebuggerError 'input' for a prompt that is no text, or an invalid option, 'tokenizer' for a model without
 * one, 'capture', 'engine', 'cancelled'
 */
export async function formatSensitivity(
  handle: ModelHandle,
  prompts: Prompt | readonly Prompt[],
  options: FormatOptions = {}
): Promise<FormatSensitivity> {
  const model = loadedOf(handle, 'formatSensitivity');
  const { kinds, seed } = checkOptions(options);
  const changes = TEXT_CHANGES.filter(({ kind }) => kinds.includes(kind));
  const texts = (prompts === undefined ? [] : promptList(prompts)).map(textOf);
  if (texts.length === 0) {
    throw new MoEDebuggerError('input', 'there are no prompts', {
      where: 'prompts',
      hint: 'give at least one text'
    });
  }
  const { distinct, note } = withoutCopies(
    texts.map((text, i) => ({
      text: text.text,
      prompt: model.tokenize(text, i)
    })),
    ({ prompt }) => promptKey(prompt),
    'text'
  );
  const start = textBeginning(model.tokenizer!).length;
  const pool = poolOf(
    distinct.map(({ prompt }) => prompt),
    start
  );
  const tally = new FormatTally();
  const refused = new Refused();
  for (const [i, { text, prompt }] of distinct.entries()) {
    const variants = variantsOf(model, changes, text, i, seed, refused);
    const runs = variants.flatMap(({ variant, random }) => [
      variant,
      {
        ...variant,
        ids: changedArbitrarily(
          prompt.ids,
          changeSize(prompt.ids, variant.ids),
          start,
          pool,
          random
        )
      }
    ]);
    const { samples } = await tracePrompts(
      model,
      () => Promise.resolve(model),
      [prompt, ...runs].map((own, at) => ({ ...own, id: `${i} ${at}` })),
      options.signal ? { signal: options.signal } : {}
    );
    tally.add(
      samples[0],
      variants.map(({ kind }, v) => ({
        kind,
        variant: samples[1 + 2 * v],
        arbitrary: samples[2 + 2 * v]
      }))
    );
    options.onProgress?.({ done: i + 1, total: distinct.length });
  }
  return new FormatSensitivity({
    model: model.name,
    seed,
    texts: tally.texts,
    kinds: tally.effects(kinds),
    toOtherText: tally.toOtherText,
    notes: [...(note === undefined ? [] : [note]), ...notesOf(tally, refused)]
  });
}

function poolOf(prompts: readonly TokenizedPrompt[], start: number): number[] {
  const pool: number[] = [];
  for (const { ids } of prompts) {
    if (pool.length >= MAX_POOL) {
      break;
    }
    pool.push(...ids.slice(start, start + MAX_POOL));
  }
  return pool.length === 0 ? [...prompts[0].ids] : pool;
}

interface Variant {
  kind: TextChange['kind'];
  variant: TokenizedPrompt;
  random: () => number;
}

/** What a text becomes, where that is another sequence of tokens that the model can run. */
function variantsOf(
  model: LoadedModel,
  changes: readonly TextChange[],
  text: string,
  index: number,
  seed: number,
  refused: Refused
): Variant[] {
  const plain = model.tokenize({ text }).ids;
  return changes.flatMap(({ kind, name, apply }) => {
    // Each change has numbers of its own, so that leaving some out does not change the others.
    const random = randomNumbers(
      seed * 2 ** 20 +
        ((index * TEXT_CHANGES.length + changeIndex(name)) % 2 ** 20)
    );
    const changed = apply(text, random);
    if (changed === text || contentOf(changed) !== contentOf(text)) {
      return [];
    }
    try {
      const variant = model.tokenize({ text: changed });
      return sameIds(variant.ids, plain) ? [] : [{ kind, variant, random }];
    } catch (error) {
      // Too long for the model's context, or nothing is left of a text of marks.
      if (error instanceof MoEDebuggerError && error.code === 'input') {
        refused.add(error);
        return [];
      }
      throw error;
    }
  });
}

function changeIndex(name: string): number {
  return TEXT_CHANGES.findIndex(change => change.name === name);
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** Variants that the model cannot run. */
class Refused {
  count = 0;
  first = '';

  add({ message }: Error): void {
    this.first ||= message;
    this.count++;
  }
}

function notesOf(tally: FormatTally, refused: Refused): string[] {
  const { texts, allSelected } = tally;
  return [
    ...(texts === 1
      ? ['one text: there are no intervals, and no other text to compare with']
      : []),
    ...(refused.count > 0
      ? [`${counted(refused.count, 'variant')} left out: ${refused.first}`]
      : []),
    ...(allSelected.length > 0
      ? [
          `${counted(allSelected.length, 'router')} left out: each token selects all experts there`
        ]
      : [])
  ];
}
