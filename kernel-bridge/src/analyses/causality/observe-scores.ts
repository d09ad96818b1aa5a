/** Changes of a criterion on the next token: a sweep of each expert and of its control over the prompts. */
import type { RoutingLayer } from '../../base/protocol';
import type { Edits } from '../../run/edits/edits';
import { editedSession } from '../../run/edits/edited-sessions';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { Prompt } from '../../run/model/prompt';
import type { Baseline } from '../sweep/baseline';
import { editedExperts, overrulesChoice } from '../sweep/edited-base';
import { textLogProb, type Effect } from '../sweep/effects';
import type { SweepEdit } from '../sweep/options';
import { sweep } from '../sweep/sweep';
import { scoreOf, type Criterion } from './criterion';
import type { CausalityOptions, Observed } from './options';
import { sameTokens, type SameTokens } from './same-tokens';
import type { Loaded } from './similar-loads';

export async function observeScores(
  model: LoadedModel,
  prompts: readonly Prompt[],
  options: CausalityOptions,
  criterion: Exclude<Criterion, { pattern: RegExp }>,
  base: Edits
): Promise<Observed> {
  const {
    layers,
    experts,
    only,
    mode = 'mask',
    signal,
    batchSize,
    onProgress
  } = options;
  const score = scoreOf(criterion, model);
  const edited = (
    { prompt }: Baseline,
    { lastLogits, textLogProb }: Pick<Effect, 'lastLogits' | 'textLogProb'>
  ): number =>
    score({
      prompt: prompt.id,
      logits: lastLogits,
      textLogProbability: textLogProb
    });
  const originalOf = (baseline: Baseline): number =>
    edited(baseline, { ...baseline, textLogProb: textLogProb(baseline) });
  const original: number[] = [];
  const observations = new Map<string, Loaded>();
  /** What is ablated as controls, and what that changes; known before or after the expert's own. */
  const matched = new Map<string, SameTokens>();
  const controls = new Map<string, number>();
  await sweep(
    model,
    prompts,
    {
      ...{ layers, experts, only, mode, signal, batchSize, onProgress },
      keepTokens: 0
    },
    ({ baseline, edit, reach }, effect) => {
      const { index } = baseline;
      original[index] ??= originalOf(baseline);
      observations.set(keyOf(baseline, edit), {
        prompt: index,
        router: edit.router,
        expert: edit.expert,
        load: reach.tokens,
        servesLast: serves(baseline.layers[edit.router], edit.expert),
        change: effect ? edited(baseline, effect) - original[index] : 0
      });
    },
    base,
    {
      of: (baseline, edit) => {
        const same = sameTokensOf(model, baseline, edit, base);
        if (!same) {
          return undefined;
        }
        matched.set(keyOf(baseline, edit), same);
        const { place } = edit;
        return editedSession(model).resolve({
          ...base,
          ablate: [
            ...(base.ablate ?? []),
            ...same.ablate.map(one => ({ ...place, ...one, mode }))
          ]
        }).records;
      },
      onRun: ({ baseline, edit }, effect) => {
        const { index } = baseline;
        original[index] ??= originalOf(baseline);
        controls.set(
          keyOf(baseline, edit),
          edited(baseline, effect) - original[index]
        );
      }
    }
  );
  return {
    original,
    observations: [...observations].map(([key, one]) => {
      const change = controls.get(key);
      const same = matched.get(key);
      return change === undefined || !same
        ? one
        : {
            ...one,
            control: { change: same.scale * change, weight: same.weight }
          };
    })
  };
}

const keyOf = ({ index }: Baseline, { router, expert }: SweepEdit): string =>
  `${index}/${router}/${expert}`;

function sameTokensOf(
  { routers }: LoadedModel,
  { layers }: Baseline,
  { router, expert }: SweepEdit,
  base: Edits
): SameTokens | undefined {
  if (overrulesChoice(base, routers, router)) {
    return undefined;
  }
  const taken = new Set([
    ...(routers[router].lost ?? []),
    ...editedExperts(base, routers, router)
  ]);
  return sameTokens(layers[router], expert, other => !taken.has(other));
}

function serves({ selected, topK }: RoutingLayer, expert: number): boolean {
  return selected.subarray(selected.length - topK).includes(expert);
}
