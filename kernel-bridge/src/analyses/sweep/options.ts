/** What a caller may ask of a sweep, checked before anything runs. */
import type { PartialProgress } from '../../base/progress';
import type { Edits } from '../../run/edits/edits';
import { withAblation } from './edited-base';
import type { RunEdits } from '../../run/edits/run-edits';
import { MoEDebuggerError } from '../../base/errors';
import { vocabularySize } from '../../run/model/vocabulary';
import {
  findPlace,
  fittingPlaces,
  type ExpertPlace,
  type RouterPlace,
  type SweepMode
} from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { SweepResult } from './sweep-result';
import { editedSession } from '../../run/edits/edited-sessions';
import { checkExpert } from '../../run/edits/resolve-edits';
import { checkOnCancel, type OnCancel } from '../../run/engine/cancel';
import type { LoadedModel } from '../../run/model/loaded-model';

export interface SweepOptions {
  /** Routers that are swept, a number for all of a block's; all by default. */
  layers?: readonly (number | RouterPlace)[];
  /** Experts of each of them that are swept; all by default. */
  experts?: readonly number[];
  /** A chosen set of routers' experts, instead of `layers` and `experts`. */
  only?: readonly ExpertPlace[];
  /** 'mask', the default: a substitute enters. 'drop': its term vanishes. */
  mode?: SweepMode;
  /**
   * The token whose log-probability and rank are compared after the last token: an id, or a text that is one token; or
   * a list, one per prompt. Default: the most likely token without edits.
   */
  target?: SweepTarget | readonly SweepTarget[];
  signal?: AbortSignal;
  /** Called as (prompt, expert) pairs are done; pairs without reach are done without a run. */
  onProgress?: (progress: PartialProgress<SweepResult>) => void;
  /** When cancelled, throw a `SweepCancelled` error that carries the result so far, or return that result. Default 'throw'. */
  onCancel?: OnCancel;
  /** Maximum rows per run. Default: chosen by timing, within memory. */
  batchSize?: number;
  /** Tokens to keep for each expert, those with the largest change. Default 8. */
  keepTokens?: number;
}

export type SweepTarget = number | string;

/** One expert to ablate, validated against the graph. */
export interface SweepEdit {
  index: number;
  router: number;
  expert: number;
  place: RouterPlace;
  /** The edits that the model has, and the ablation. */
  edits: Edits;
  records: RunEdits;
}

/**
 * The experts to ablate, router by router; those that the edits of the model have ablated or force are left out.
 *
 * @param base edits that the model has
 * @throws MoEDebuggerError 'input' naming a layer, an expert or a mode that does not exist, 'edit' one that cannot be ablated
 */
export function sweepEdits(
  model: LoadedModel,
  { layers, experts, only, mode = 'mask' }: SweepOptions,
  base: Edits = {}
): SweepEdit[] {
  const { routers } = model;
  const edited = editedSession(model);
  if (mode !== 'mask' && mode !== 'drop') {
    throw new MoEDebuggerError(
      'input',
      `a sweep cannot ablate by ${String(mode)}`,
      { where: 'mode', hint: 'give mask or drop' }
    );
  }
  if (only && (layers || experts)) {
    throw new MoEDebuggerError(
      'input',
      'both only and layers or experts are given',
      { where: 'only', hint: 'leave layers and experts out' }
    );
  }
  const swept = new Set(
    layers?.flatMap(layer => routersOf(layer, routers)) ?? routers.keys()
  );
  const chosen = only
    ? only.map(({ expert, ...place }) => ({
        router: findPlace(place, routers, 'input'),
        place,
        expert
      }))
    : routers.flatMap(
        ({ layer, stack, module, experts: count, lost }, router) =>
          !swept.has(router)
            ? []
            : (
                experts ??
                Array.from({ length: count }, (_, e) => e).filter(
                  expert => !lost?.includes(expert)
                )
              ).map(expert => ({
                router,
                place: { layer, stack, module },
                expert
              }))
      );
  if (chosen.length === 0) {
    throw new MoEDebuggerError('input', 'there is no expert to ablate', {
      where: 'sweep',
      hint: 'give at least one layer and one expert'
    });
  }
  chosen.forEach(({ router, expert }) =>
    checkExpert(expert, routers[router], '', 'input')
  );
  const seen = new Set<string>();
  return chosen
    .filter(({ router, expert }) => {
      const key = `${router}/${expert}`;
      return seen.has(key) ? false : seen.add(key);
    })
    .sort((a, b) => a.router - b.router)
    .flatMap(({ router, place, expert }) => {
      const ablation = { place, expert, mode };
      const edits = withAblation(base, routers, router, ablation);
      return edits
        ? [
            {
              router,
              expert,
              place,
              edits,
              records: edited.resolve(edits).records
            }
          ]
        : [];
    })
    .map((edit, index) => ({ index, ...edit }));
}

/** @throws MoEDebuggerError 'input' */
export function checkCounts({
  batchSize,
  keepTokens,
  onCancel
}: SweepOptions): void {
  checkOnCancel(onCancel);
  const check = (
    where: string,
    value: number | undefined,
    least: number
  ): void => {
    if (
      value !== undefined &&
      !(Number.isSafeInteger(value) && value >= least)
    ) {
      throw new MoEDebuggerError(
        'input',
        `${where} cannot be ${String(value)}`,
        { where, hint: `give a whole number of ${least} or more` }
      );
    }
  };
  check('batchSize', batchSize, 1);
  check('keepTokens', keepTokens, 0);
}

/** @throws MoEDebuggerError 'input' for a layer without a router, or a place that means several */
function routersOf(
  place: number | RouterPlace,
  routers: readonly Router[]
): number[] {
  const named = typeof place === 'number' ? { layer: place } : place;
  const block = typeof place === 'number' ? fittingPlaces(named, routers) : [];
  return block.length > 0
    ? block
    : [findPlace(named, routers, 'input', { where: 'layers' })];
}

/** @throws MoEDebuggerError 'input' or 'tokenizer' for a target that is not one token, or lists of different length */
export function sweepTargets(
  { tokenizer, noTokenizer, graph }: LoadedModel,
  { target }: SweepOptions,
  prompts: number
): (number | undefined)[] {
  if (target === undefined) {
    return Array<undefined>(prompts).fill(undefined);
  }
  if (typeof target === 'object' && target.length !== prompts) {
    throw new MoEDebuggerError(
      'input',
      `there are ${target.length} targets for ${prompts} prompts`,
      { where: 'target', hint: 'give one, or one per prompt' }
    );
  }
  const vocabulary = vocabularySize(graph) ?? Infinity;
  const read = (one: SweepTarget): number => {
    if (typeof one === 'string' && !tokenizer) {
      throw new MoEDebuggerError(
        'tokenizer',
        `${noTokenizer}, so a token cannot be given as text`,
        { where: 'target', hint: 'give a token id' }
      );
    }
    const ids =
      typeof one === 'string'
        ? tokenizer!.encode(one, { specialTokens: false })
        : [one];
    const [id] = ids;
    if (
      ids.length !== 1 ||
      !Number.isInteger(id) ||
      id < 0 ||
      id >= vocabulary
    ) {
      throw new MoEDebuggerError(
        'input',
        typeof one === 'string'
          ? `the target ${JSON.stringify(one)} is ${ids.length} tokens`
          : `token id ${String(one)} is not in the model's vocabulary`,
        {
          where: 'target',
          hint:
            typeof one === 'string'
              ? 'give a text that is a single token, with the space before it if there is one'
              : `ids run from 0 to ${vocabulary - 1}`
        }
      );
    }
    return id;
  };
  return typeof target === 'object'
    ? target.map(read)
    : Array<number>(prompts).fill(read(target));
}
