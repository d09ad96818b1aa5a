/** Patches nodes that a user names. */
import { MoEDebuggerError } from '../../base/errors';
import type { Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import type { PatchDirection } from '../../base/protocol';
import type { Corrupted, NodeCell, PatchOptions } from './options';
import { patchNodes } from './patch-nodes';
import type { PatchRunOptions } from './patch-runs';
import { patchedEffects } from './true-effects';
import { runBoth, type TwoRuns } from './two-runs';

export interface PatchedCell extends NodeCell {
  /** Change of the target by this patch alone. */
  effect: number;
}

/** @throws MoEDebuggerError 'input' for a node or a token that does not exist */
export async function patchCells(
  runs: TwoRuns,
  cells: readonly NodeCell[],
  direction: PatchDirection,
  options: PatchRunOptions = {}
): Promise<PatchedCell[]> {
  // Throws if the model has been disposed.
  runs.model.tokenize([...runs.clean.run.sequence.ids]);
  const nodes = new Map(patchNodes(runs).map(node => [node.id, node]));
  const tokens = runs.clean.run.sequence.ids.length;
  const patches = cells.map(({ node: id, position }) => {
    const node = nodes.get(id);
    if (!node) {
      throw new MoEDebuggerError(
        'input',
        `there is no node ${JSON.stringify(id)}`,
        {
          where: 'patch',
          hint: `use one such as ${[...nodes.keys()].slice(0, 4).join(', ')}`
        }
      );
    }
    if (
      position !== undefined &&
      (!Number.isInteger(position) || position < 0 || position >= tokens)
    ) {
      throw new MoEDebuggerError(
        'input',
        `there is no token ${position} in a prompt of ${tokens}`,
        { where: 'patch', hint: `give 0 to ${tokens - 1}` }
      );
    }
    return { node, ...(position === undefined ? {} : { position }) };
  });
  const effects = await patchedEffects(runs, direction, patches, options);
  return cells.map((cell, i) => ({ ...cell, effect: effects[i] }));
}

export async function patchModel(
  model: Runnable,
  clean: Prompt,
  corrupted: Corrupted,
  cells: readonly NodeCell[],
  options: PatchOptions = {}
): Promise<PatchedCell[]> {
  const { direction = 'noising', batchSize, signal, onProgress } = options;
  const runs = await runBoth(model, clean, corrupted, options);
  let done = 0;
  return patchCells(runs, cells, direction, {
    ...(batchSize === undefined ? {} : { batch: batchSize }),
    ...(signal ? { signal } : {}),
    onRun: count => onProgress?.({ done: (done += count), total: cells.length })
  });
}
