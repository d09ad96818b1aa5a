/** Finds experts that a criterion on the output depends on more than on others of the same load. */
import type { Progress } from '../../base/progress';
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import type { Generation } from '../../run/generation/generation';
import { randomNumbers } from '../../base/statistics/random';
import type { Prompt } from '../../run/model/prompt';
import type { CausalityRow, RoutingLayer } from '../../base/protocol';
import { sweepEdits, type SweepOptions } from '../sweep/options';
import { baseNotes, overrulesChoice } from '../sweep/edited-base';
import { sweep } from '../sweep/sweep';
import type { LoadedModel } from '../../run/model/loaded-model';
import { CausalityResult } from './causality-result';
import { scoreOf, type Criterion } from './criterion';
import { matchedTest, type Observation } from './matched-experts';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { mean } from '../../base/statistics/summary';

export interface CausalityOptions extends Pick<
  SweepOptions,
  'layers' | 'experts' | 'only' | 'mode' | 'signal' | 'batchSize'
> {
  criterion: Criterion;
  /** Adjusted p-value up to which an expert is called causal. Default 0.05. */
  alpha?: number;
  /** Random experts that each expert is compared with. Default 9999. */
  draws?: number;
  /** Seed of the draws. Default 0. */
  seed?: number;
  onProgress?: (progress: Progress) => void;
}

/** Generates greedily from a prompt. */
export type Generate = (
  edits: Edits,
  prompt: Prompt,
  options: { maxNewTokens?: number; signal?: AbortSignal }
) => Promise<Generation>;

interface Observed {
  observations: Observation[];
  /** The criterion without ablation, one value per prompt. */
  original: number[];
}

/**
 * @param base edits that the model has, on top of which each expert is ablated
 * @throws MoEDebuggerError 'input', 'tokenizer' or 'edit' before anything runs; 'engine', 'cancelled'
 */
export async function causalExperts(
  model: LoadedModel,
  prompts: readonly Prompt[],
  options: CausalityOptions,
  generate: Generate,
  base: Edits = {}
): Promise<CausalityResult> {
  const { criterion, alpha = 0.05, draws = 9999, seed = 0 } = options;
  checkOptions(alpha, draws);
  const { observations, original } =
    'pattern' in criterion
      ? await observeText(model, prompts, options, criterion, generate, base)
      : await observeScores(model, prompts, options, criterion, base);
  if (
    ![...original, ...observations.map(one => one.change)].every(
      Number.isFinite
    )
  ) {
    throw new MoEDebuggerError(
      'input',
      'the criterion is not finite on some output',
      { where: 'criterion', hint: 'give one that is finite on every output' }
    );
  }
  // They arrive in the order in which runs finish; sorting makes the seed reproducible.
  observations.sort(
    (a, b) => a.router - b.router || a.expert - b.expert || a.prompt - b.prompt
  );
  const random = randomNumbers(seed);
  const experts = new Map<string, Observation[]>();
  const routers = new Map<number, Observation[]>();
  for (const one of observations) {
    const key = `${one.router}/${one.expert}`;
    push(experts, key, one);
    push(routers, one.router, one);
  }
  const tested = [...experts.values()].map(own => {
    const { layer, stack, module } = model.routers[own[0].router];
    return {
      layer,
      ...(stack ? { stack } : {}),
      ...(module ? { module } : {}),
      expert: own[0].expert,
      load: own.reduce((sum, { load }) => sum + load, 0),
      ...matchedTest(own, routers.get(own[0].router)!, draws, random)
    };
  });
  const adjusted = benjaminiHochberg(tested.map(({ p }) => p));
  const rows: CausalityRow[] = tested
    .map((row, i) => ({
      ...row,
      pAdjusted: adjusted[i],
      causal: adjusted[i] <= alpha && row.change !== 0
    }))
    .sort((a, b) => a.p - b.p || Math.abs(b.change) - Math.abs(a.change));
  return new CausalityResult({
    model: model.onnx.name,
    criterion: describe(criterion),
    mode: options.mode ?? 'mask',
    prompts: prompts.length,
    original: mean(original),
    alpha,
    draws,
    rows,
    notes: [...baseNotes(model, base), ...smallSample(rows, alpha)]
  });
}

/** Warns where the number of prompts and draws rules a finding out. */
function smallSample(rows: readonly CausalityRow[], alpha: number): string[] {
  const out = rows.filter(
    ({ smallestP }) => smallestP * rows.length > alpha
  ).length;
  return out === 0
    ? []
    : [
        `${out} of ${rows.length} experts could not have been found on their own: with these prompts and draws their p cannot fall below ${alpha} / ${rows.length}; give more prompts in which they are selected, or test fewer experts`
      ];
}

/** A criterion on the next token: sweeps every (prompt, expert) pair. */
async function observeScores(
  model: LoadedModel,
  prompts: readonly Prompt[],
  options: CausalityOptions,
  criterion: Exclude<Criterion, { pattern: RegExp }>,
  base: Edits
): Promise<Observed> {
  const { layers, experts, only, mode, signal, batchSize } = options;
  const score = scoreOf(criterion, model);
  const original: number[] = [];
  const observations: Observation[] = [];
  await sweep(
    model,
    prompts,
    {
      layers,
      experts,
      only,
      mode,
      signal,
      batchSize,
      keepTokens: 0,
      onProgress: options.onProgress
    },
    ({ baseline, edit, reach }, effect) => {
      const { index, prompt, lastLogits } = baseline;
      original[index] ??= score(prompt.id, lastLogits);
      observations.push({
        prompt: index,
        router: edit.router,
        expert: edit.expert,
        load: reach.tokens,
        servesLast: serves(baseline.layers[edit.router], edit.expert),
        change: effect
          ? score(prompt.id, effect.lastLogits) - original[index]
          : 0
      });
    },
    base
  );
  return { observations, original };
}

function serves({ selected, topK }: RoutingLayer, expert: number): boolean {
  return selected.subarray(selected.length - topK).includes(expert);
}

/** A criterion on the generated text: one generation per prompt and expert that it selects. */
async function observeText(
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
  const { signal } = options;
  const matches = ({ text }: Generation): number =>
    new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(text)
      ? 1
      : 0;
  const observations: Observation[] = [];
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
      const edited =
        load > 0 || overrulesChoice(base, model.routers, router)
          ? matches(await generate(edits, prompt, { maxNewTokens, signal }))
          : original[index];
      observations.push({
        prompt: index,
        router,
        expert,
        load,
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

function describe(criterion: Criterion): string {
  return 'pattern' in criterion
    ? `share of generated texts that match ${String(criterion.pattern)}`
    : 'token' in criterion
      ? `log-probability of ${typeof criterion.token === 'string' ? JSON.stringify(criterion.token) : `token ${criterion.token}`}`
      : 'score';
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) {
    list.push(value);
  } else {
    map.set(key, [value]);
  }
}

function checkOptions(alpha: number, draws: number): void {
  if (!(alpha > 0 && alpha < 1)) {
    throw new MoEDebuggerError('input', `alpha cannot be ${String(alpha)}`, {
      where: 'alpha',
      hint: 'give a number between 0 and 1'
    });
  }
  if (!Number.isSafeInteger(draws) || draws < 1 || draws > MAX_DRAWS) {
    throw new MoEDebuggerError('input', `draws cannot be ${String(draws)}`, {
      where: 'draws',
      hint: `give 1 to ${MAX_DRAWS}`
    });
  }
}

const MAX_DRAWS = 1e6;
