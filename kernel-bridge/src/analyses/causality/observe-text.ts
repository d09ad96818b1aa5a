/** Changes of a criterion on the generated text: one generation per prompt and expert whose ablation can change it. */
import { MoEDebuggerError } from '../../base/errors';
import type { Edits } from '../../run/edits/edits';
import type { Generation } from '../../run/generation/generation';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { Prompt } from '../../run/model/prompt';
import { sweepEdits } from '../sweep/options';
import { canReach } from '../sweep/reach';
import type { Criterion } from './criterion';
import type { CausalityOptions, Observed } from './options';
import type { Loaded } from './similar-loads';

/** Generates greedily from a prompt. */
export type Generate = (
  edits: Edits,
  prompt: Prompt,
  options: { maxNewTokens?: number; signal?: AbortSignal }
) => Promise<Generation>;

/** @throws MoEDebuggerError 'tokenizer', 'input', 'edit' */
export async function observeText(
  model: LoadedModel,
  prompts: readonly Prompt[],
  options: CausalityOptions,
  { pattern, maxNewTokens }: Extract<Criterion, { pattern: RegExp }>,
  generate: Generate,
  base: Edits
): Promise<Observed> {
  if (!model.tokenizer) {
    throw new MoEDebuggerError(
      'tokenizer',
      `${model.noTokenizer}, so it cannot generate text`,
      { where: 'criterion', hint: 'give a token or a score function' }
    );
  }
  const ablations = sweepEdits(model, options, base);
  const { signal, mode = 'mask' } = options;
  const matches = ({ text }: Generation): number =>
    new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(text)
      ? 1
      : 0;
  const observations: Loaded[] = [];
  const original: number[] = [];
  let done = 0;
  for (const [index, prompt] of prompts.entries()) {
    const plain = await generate(base, prompt, { maxNewTokens, signal });
    const [{ layers }] = plain.trace.samples;
    original.push(matches(plain));
    for (const { router, expert, edits } of ablations) {
      const load = layers[router].selected.filter(
        chosen => chosen === expert
      ).length;
      const edited = canReach(model.routers, router, layers[router], {
        expert,
        mode,
        base
      })
        ? matches(await generate(edits, prompt, { maxNewTokens, signal }))
        : original[index];
      observations.push({
        prompt: index,
        router,
        expert,
        load,
        // The whole text is read, not the last token's output.
        servesLast: false,
        change: edited - original[index]
      });
      options.onProgress?.({
        done: ++done,
        total: ablations.length * prompts.length
      });
    }
  }
  return { observations, original };
}
