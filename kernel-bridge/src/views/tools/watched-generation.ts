/** Generates while a page watches. */
import { expertLoad } from '../../base/charts';
import type { Generation } from '../../run/generation/generation';
import { generateOn, type Target } from '../../run/generation/run-prompts';
import type { GenerateOptions } from '../../run/generation/options';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { Prompt } from '../../run/model/prompt';
import {
  layerName,
  type ExpertRow,
  type GeneratedText,
  type GeneratedToken
} from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';

/**
 * Generates and reports each token.
 * @param target the model, or one of its edited sessions
 * @param tell is called with the text so far, and at the end with the token rates of the whole
 * @returns the tokens so far if the signal stopped it
 * @throws MoEDebuggerError as `generate`, after `tell` was called with the failure
 */
export async function watchedGeneration(
  model: LoadedModel,
  target: Target,
  prompt: Prompt,
  options: GenerateOptions,
  rows: readonly ExpertRow[],
  tell: (text: GeneratedText) => void
): Promise<Generation> {
  const tokens: GeneratedToken[] = [];
  const withText = model.tokenizer !== undefined;
  tell({ tokens: [], status: 'running' });
  try {
    const [generation] = await generateOn(model, target, [prompt], {
      ...options,
      onCancel: 'return',
      onToken: ({ id, text }) => {
        tokens.push(withText ? { id, text } : { id });
        tell({ tokens: [...tokens], status: 'running' });
      }
    });
    tell({
      tokens,
      status: generation.finishReason === 'cancelled' ? 'cancelled' : 'done',
      rates: tokenRates(generation.trace, rows)
    });
    return generation;
  } catch (error) {
    tell({ tokens, status: 'failed' });
    throw error;
  }
}

/**
 * Share of a trace's tokens that select each expert, over all samples: [rows][experts], to four decimals.
 * @param rows the routers, in the requested order
 */
export function tokenRates(
  { samples }: RoutingTrace,
  rows: readonly ExpertRow[]
): number[][] {
  return rows.map(row => {
    const selections = new Float64Array(row.experts);
    let tokens = 0;
    for (const { layers } of samples) {
      const layer = layers.find(each => layerName(each) === layerName(row));
      if (layer) {
        tokens += layer.selected.length / Math.max(layer.topK, 1);
        for (const { expert, selections: count } of expertLoad(layer)) {
          selections[expert] += count;
        }
      }
    }
    // If an expert is swapped for one that the token also selects, the token selects that one twice.
    return Array.from(selections, count =>
      tokens === 0 ? 0 : Math.round(Math.min(1, count / tokens) * 1e4) / 1e4
    );
  });
}
