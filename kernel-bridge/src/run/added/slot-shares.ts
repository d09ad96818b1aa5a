/**
 * The share that each of a token's k slots has in what a layer adds, measured where a graph has experts but no weights.
 * One slot takes one of two experts while the others stay: the change is the slot's weight times the difference of the
 * two, so the changes of two slots are to each other as their weights.
 */
import { elementTypes } from '../../onnx/graph/element-types';
import { activationTensors } from '../activations/activation-tensors';
import type { TensorValue } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import type { Session } from '../engine/engine';
import { wholeSequence } from '../model/inputs';
import type { LoadedModel } from '../model/loaded-model';
import type { TokenizedPrompt } from '../model/prompt';
import type { Router } from '../../routing/convention';
import { givenBy, givenTensors, readFrom } from './given-tensors';

/**
 * @param selected [tokens, k]: what the router selects
 * @returns [tokens, k], each row of sum 1; undefined where the graph does not tell
 */
export async function slotShares(
  model: LoadedModel,
  router: Router,
  prompt: TokenizedPrompt,
  selected: Int32Array
): Promise<Float32Array | undefined> {
  const { graph, found } = model;
  const { experts, topK } = router;
  const [ids, ...others] = router.tensors.selected ?? [];
  const [{ output }] = activationTensors(graph, [router], found.blocks).routers;
  // Two experts beside those that the other slots keep.
  if (
    ids === undefined ||
    others.length > 0 ||
    output === undefined ||
    experts < topK + 1
  ) {
    return undefined;
  }
  const part = givenTensors(graph, elementTypes(graph), [ids], [output]);
  if (!part) {
    return undefined;
  }
  const tokens = selected.length / topK;
  const rank = graph.shape(ids)?.length ?? 2;
  const dims = [...Array<number>(rank - 2).fill(1), tokens, topK];
  const own = model.inputs.feeds(wholeSequence(prompt));
  const feeds = Object.fromEntries(
    part.input.flatMap(({ name = '' }) =>
      own[name] ? [[name, own[name]]] : []
    )
  ) as Record<string, TensorValue>;
  const loaded = await model.load(part);
  try {
    const added = async (chosen: number[][]): Promise<Float32Array> =>
      addedBy(loaded.session, output, {
        ...feeds,
        [givenBy(ids)]: {
          type: 'float32',
          dims,
          data: Float32Array.from(chosen.flat())
        }
      });
    const changes: Float32Array[] = [];
    for (let slot = 0; slot < topK; slot++) {
      const [first, second] = [0, 1].map(other =>
        range(tokens).map(t => {
          const row = [...selected.subarray(t * topK, (t + 1) * topK)];
          const [expert, free] = [
            row[0],
            range(experts).find(e => !row.includes(e))!
          ];
          // The first of the slots gives its place to this one.
          row[0] = row[slot];
          row[slot] = other === 0 ? expert : free;
          return row;
        })
      );
      const [a, b] = [await added(first), await added(second)];
      changes.push(a.map((value, i) => value - b[i]));
    }
    return sharesOf(changes, tokens);
  } finally {
    await loaded.release();
  }
}

async function addedBy(
  session: Session,
  output: string,
  feeds: Record<string, TensorValue>
): Promise<Float32Array> {
  const { outputs } = await session.run(feeds, [readFrom(output)]);
  return toFloat32(outputs[readFrom(output)]);
}

/** Each slot's change along the first one's, divided by the sum of them. */
function sharesOf(
  changes: readonly Float32Array[],
  tokens: number
): Float32Array | undefined {
  const width = changes[0].length / tokens;
  const shares = new Float32Array(tokens * changes.length);
  for (let t = 0; t < tokens; t++) {
    const rows = changes.map(all => all.subarray(t * width, (t + 1) * width));
    const along = rows.map(row =>
      row.reduce((sum, value, i) => sum + value * rows[0][i], 0)
    );
    const sum = along.reduce((a, b) => a + b, 0);
    if (!(Math.abs(sum) > 0)) {
      return undefined;
    }
    shares.set(
      along.map(value => value / sum),
      t * changes.length
    );
  }
  return shares;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
