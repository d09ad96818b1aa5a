/** The edits that a sweep starts from, and each ablation on top of them. */
import {
  counted,
  findPlace,
  layerName,
  type RouterPlace
} from '../../base/protocol';
import type { SweepMode } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { Edits, TokenRange } from '../../run/edits/edits';
import { editedSession } from '../../run/edits/edited-sessions';
import type { LoadedModel } from '../../run/model/loaded-model';

/**
 * The edits with one more expert ablated. Edits of that same expert mean nothing then and are left out: a bias of a
 * masked expert, a scale of one that adds nothing, another expert that would have run in its place.
 *
 * @returns undefined where the edits have ablated the expert already, force it or another one for all tokens, or run it in
 * place of another
 */
export function withAblation(
  base: Edits,
  routers: readonly Router[],
  router: number,
  {
    place,
    expert,
    mode
  }: { place: RouterPlace; expert: number; mode: SweepMode }
): Edits | undefined {
  const here = (edit: RouterPlace): boolean =>
    findPlace(edit, routers, 'edit') === router;
  const same = (edit: RouterPlace & { expert: number }): boolean =>
    edit.expert === expert && here(edit);
  const {
    ablate = [],
    force = [],
    bias = [],
    selectionBias = [],
    scale = []
  } = base;
  // What is dropped is selected all the same, by its biases too.
  const kept = <T extends RouterPlace & { expert: number }>(
    edits: readonly T[]
  ): readonly T[] =>
    mode === 'mask' ? edits.filter(edit => !same(edit)) : edits;
  const taken =
    ablate.some(
      edit =>
        (same(edit) && edit.mode !== 'swap' && edit.tokens === undefined) ||
        (edit.mode === 'swap' &&
          (typeof edit.to === 'object' ? edit.to.expert : edit.to) === expert &&
          here(edit))
    ) ||
    force.some(edit => same(edit) || (here(edit) && isForAll(edit.tokens)));
  return taken
    ? undefined
    : {
        ...base,
        ablate: [
          ...ablate.filter(edit => !same(edit)),
          { ...place, expert, mode }
        ],
        bias: kept(bias),
        selectionBias: kept(selectionBias),
        scale: scale.filter(edit => !same(edit))
      };
}

function isForAll(tokens: TokenRange | undefined): boolean {
  return tokens === undefined || (tokens[0] === 0 && tokens[1] === undefined);
}

/** Experts of a router that edits name; another edit of one of them could contradict these. */
export function editedExperts(
  { ablate = [], force = [], bias = [], selectionBias = [], scale = [] }: Edits,
  routers: readonly Router[],
  router: number
): number[] {
  return [...ablate, ...force, ...bias, ...selectionBias, ...scale]
    .filter(edit => findPlace(edit, routers, 'edit') === router)
    .map(({ expert }) => expert);
}

/** What a result says of the edits that ablations start from. */
export function baseNotes(model: LoadedModel, base: Edits): string[] {
  const { records } = editedSession(model).resolve(base).records;
  const forced = (base.force ?? []).filter(({ tokens }) => isForAll(tokens));
  return records.length > 0
    ? [
        `the model had ${counted(records.length, 'edit')}; experts that they ablate or force are left out`,
        ...forced.map(
          ({ expert, ...place }) =>
            `${layerName(place)} is left out: each token takes expert ${expert} there, which is forced`
        )
      ]
    : [];
}

/** Whether edits decide by themselves which expert of a router runs, so that its choice does not tell. */
export function overrulesChoice(
  { ablate = [], force = [] }: Edits,
  routers: readonly Router[],
  router: number
): boolean {
  return [...force, ...ablate.filter(({ mode }) => mode === 'swap')].some(
    edit => findPlace(edit, routers, 'edit') === router
  );
}
