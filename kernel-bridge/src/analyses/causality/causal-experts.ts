/** Finds experts that a criterion on the output depends on more than on as many tokens of other experts. */
import { MoEDebuggerError } from '../../base/errors';
import { checkGiven } from '../../base/given-options';
import { mean, median } from '../../base/statistics/summary';
import type { CausalityRow } from '../../base/protocol';
import type { Edits } from '../../run/edits/edits';
import { baseNotes } from '../sweep/edited-base';
import type { LoadedModel } from '../../run/model/loaded-model';
import { promptKey, withoutCopies } from '../../run/model/distinct-prompts';
import { promptObject, type Prompt } from '../../run/model/prompt';
import { CausalityResult } from './causality-result';
import { checkCriterion, type Criterion } from './criterion';
import { notesOn } from './notes';
import { observeScores } from './observe-scores';
import { observeText, type Generate } from './observe-text';
import type { CausalityOptions } from './options';
import { similarLoads } from './similar-loads';
import { MAX_DRAWS, testExperts, type Observation } from './test-experts';

/**
 * @param base edits that the model has, on top of which each expert is ablated
 * @throws MoEDebuggerError 'input', 'tokenizer' or 'edit' before anything runs; 'engine', 'cancelled'
 */
export async function causalExperts(
  model: LoadedModel,
  given: readonly Prompt[],
  options: CausalityOptions,
  generate: Generate,
  base: Edits = {}
): Promise<CausalityResult> {
  checkGiven(options, 'causalExperts', 'give a criterion');
  const { criterion, alpha = 0.05, draws, seed = 0 } = options;
  checkCriterion(criterion);
  checkOptions(alpha, draws);
  const { prompts, note } = distinctPrompts(model, given);
  const { observations, original } =
    'pattern' in criterion
      ? await observeText(model, prompts, options, criterion, generate, base)
      : await observeScores(model, prompts, options, criterion, base);
  // They arrive in the order in which runs finish; sorting makes the seed reproducible.
  observations.sort(
    (a, b) => a.router - b.router || a.expert - b.expert || a.prompt - b.prompt
  );
  const { rows, ...tested } = testExperts(
    withoutRounding(similarLoads(observations), original),
    prompts.length,
    { alpha, draws, seed }
  );
  rows.sort(
    (a, b) =>
      (b.excess ?? -Infinity) - (a.excess ?? -Infinity) ||
      Math.abs(b.change) - Math.abs(a.change)
  );
  const detectable = rows.flatMap(row => row.detectable ?? []);
  const document = {
    model: model.onnx.name,
    criterion: describe(criterion),
    mode: options.mode ?? 'mask',
    prompts: prompts.length,
    original: mean(original),
    alpha,
    ...tested,
    detectable: detectable.length > 0 ? median(detectable) : null,
    rows: rows.map(({ router, ...row }): CausalityRow => {
      const { layer, stack, module } = model.routers[router];
      return {
        layer,
        ...(stack ? { stack } : {}),
        ...(module ? { module } : {}),
        ...row
      };
    })
  };
  return new CausalityResult({
    ...document,
    notes: [
      ...baseNotes(model, base),
      ...(note === undefined ? [] : [note]),
      ...notesOn(document)
    ]
  });
}

/** Each under the id that it had among all, which a score function may go by. */
function distinctPrompts(
  model: LoadedModel,
  given: readonly Prompt[]
): { prompts: Prompt[]; note?: string } {
  const { distinct, note } = withoutCopies(
    given.map((prompt, i) => ({ prompt, tokens: model.tokenize(prompt, i) })),
    ({ tokens }) => promptKey(tokens)
  );
  return {
    prompts: distinct.map(({ prompt, tokens: { id } }) => ({
      ...promptObject(prompt),
      id
    })),
    note
  };
}

/** Batches of other sizes round differently: relative to the largest value of the criterion, equal outputs differ by less. */
const ROUNDING = 1e-5;

/**
 * Changes as small as rounding are none.
 * @throws MoEDebuggerError 'input' for a criterion that is not finite
 */
function withoutRounding(
  observations: readonly Observation[],
  original: readonly number[]
): Observation[] {
  const changes = observations.flatMap(({ change, control }) => [
    change,
    control?.change ?? 0
  ]);
  if (![...original, ...changes].every(Number.isFinite)) {
    throw new MoEDebuggerError(
      'input',
      'the criterion is not finite on some output',
      { where: 'criterion', hint: 'give one that is finite on every output' }
    );
  }
  const largest = [...original, ...changes].reduce(
    (most, value) => Math.max(most, Math.abs(value)),
    0
  );
  const rounded = (change: number): number =>
    Math.abs(change) <= ROUNDING * largest ? 0 : change;
  return observations.map(one => ({
    ...one,
    change: rounded(one.change),
    ...(one.control
      ? { control: { ...one.control, change: rounded(one.control.change) } }
      : {})
  }));
}

function describe(criterion: Criterion): string {
  return 'pattern' in criterion
    ? `share of generated texts that match ${String(criterion.pattern)}`
    : 'token' in criterion
      ? `log-probability of ${typeof criterion.token === 'string' ? JSON.stringify(criterion.token) : `token ${criterion.token}`}`
      : 'text' in criterion
        ? "mean log-probability of the prompts' own tokens"
        : 'score';
}

function checkOptions(alpha: number, draws: number | undefined): void {
  if (!(alpha > 0 && alpha < 1)) {
    throw new MoEDebuggerError('input', `alpha cannot be ${String(alpha)}`, {
      where: 'alpha',
      hint: 'give a number between 0 and 1'
    });
  }
  if (
    draws !== undefined &&
    (!Number.isSafeInteger(draws) || draws < 1 || draws > MAX_DRAWS)
  ) {
    throw new MoEDebuggerError('input', `draws cannot be ${String(draws)}`, {
      where: 'draws',
      hint: `give 1 to ${MAX_DRAWS}`
    });
  }
}
