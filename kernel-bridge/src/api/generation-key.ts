import type { Edits } from '../run/edits/edits';
import type { GenerateOptions } from '../run/generation/options';
import type { TokenizedPrompt } from '../run/model/prompt';
import { questionKey } from './result-cache';

/** Cache key of a generation; undefined where chance decides its tokens. */
export function generationKey(
  prompts: readonly TokenizedPrompt[],
  edits: Edits | undefined,
  options: GenerateOptions
): string | undefined {
  const { maxNewTokens, temperature, topK, topP, seed, stop, logits } = options;
  return (temperature ?? 0) > 0 && seed === undefined
    ? undefined
    : questionKey({
        ask: 'generate',
        prompts,
        edits,
        maxNewTokens,
        temperature,
        topK,
        topP,
        seed,
        stop,
        logits
      });
}
