/**
 * Tests whether a token's output depends on later tokens, by running two prompts that differ in their last token. Models
 * that fill in masked tokens, such as diffusion language models, attend to both sides; the graph does not show it.
 */
import type { LoadedModel } from '../../run/model/loaded-model';
import {
  runBaselines,
  type BaselineRequest,
  type BaselineTarget
} from './baseline';

/** Of two runs of other length or batch, results at equal tokens differ by less. */
const ROUNDING = 1e-4;

/** @param requests shortest first */
export async function laterTokensMatter(
  model: LoadedModel,
  target: BaselineTarget,
  requests: readonly BaselineRequest[]
): Promise<boolean> {
  const request = requests.find(({ prompt }) => predicted(prompt).length > 1);
  if (!request) {
    return false;
  }
  const ids = predicted(request.prompt);
  const last = ids[ids.length - 1];
  const other = ids.find(id => id !== last) ?? (last === 0 ? 1 : last - 1);
  const changed = [...ids.slice(0, -1), other];
  const { prompt } = request;
  const [[before], [after]] = [
    await runBaselines(model, target, [request]),
    await runBaselines(model, target, [
      {
        ...request,
        prompt: prompt.decoderIds
          ? { ...prompt, decoderIds: changed }
          : { ...prompt, ids: changed }
      }
    ])
  ];
  const earlier = ids.length - 1;
  return (
    before.logProbs.length === after.logProbs.length &&
    (differs(before.logProbs, after.logProbs, ids.length, earlier) ||
      before.layers.some(
        (layer, i) =>
          // An encoder's routing follows from its own tokens, which are the same.
          layer.stack !== 'encoder' &&
          differs(layer.weights, after.layers[i].weights, ids.length, earlier)
      ))
  );
}

const predicted = ({
  ids,
  decoderIds
}: BaselineRequest['prompt']): readonly number[] => decoderIds ?? ids;

/** Whether rows of the earlier tokens differ; false if there are no rows for all tokens. */
function differs(
  a: Float32Array,
  b: Float32Array,
  tokens: number,
  earlier: number
): boolean {
  if (a.length % tokens !== 0) {
    return false;
  }
  const end = (a.length / tokens) * earlier;
  for (let i = 0; i < end; i++) {
    if (Math.abs(a[i] - b[i]) > ROUNDING * (1 + Math.abs(a[i]))) {
      return true;
    }
  }
  return false;
}
