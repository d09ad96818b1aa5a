/** Lists possible targets at a token: the predicted tokens and the selected experts. */
import { cancellable } from '../../run/engine/cancel';
import { toFloat32 } from '../../run/engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import { finite, topTokens } from '../lens/ranking';
import { logSumExp } from '../../base/statistics/logits';
import { wholeSequence } from '../../run/model/inputs';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { Prompt } from '../../run/model/prompt';
import type { RoutingLayer, TargetChoices } from '../../base/protocol';
import { readCapture } from '../../run/capture/read-capture';

const TOP = 6;

/**
 * Runs the prompt once.
 *
 * @param position index of a token of the prompt
 * @throws MoEDebuggerError 'input' for an invalid prompt or position, 'capture', 'cancelled'
 */
export async function targetChoices(
  model: LoadedModel,
  prompt: Prompt,
  position: number,
  signal?: AbortSignal
): Promise<TargetChoices> {
  const { session, inputs, logits, routers, plan } = model;
  const tokenized = model.tokenize(prompt);
  const { ids, decoderIds } = tokenized;
  if (!Number.isInteger(position) || position < 0 || position >= ids.length) {
    throw new MoEDebuggerError(
      'input',
      `there is no token ${position} in a prompt of ${ids.length}`,
      { where: 'position', hint: `give 0 to ${ids.length - 1}` }
    );
  }
  // In an encoder-decoder model the position is an encoder token, and predictions follow the decoder's last token.
  const decoded = decoderIds ? decoderIds.length - 1 : position;
  const { outputs } = await cancellable(
    session.run(
      inputs.feeds(wholeSequence(tokenized)),
      [...plan.outputs, logits],
      { rows: { [logits]: [decoded] } }
    ),
    signal
  );
  const scores = toFloat32(outputs[logits]);
  const textOf = (id: number): string | undefined => model.tokens([id])[0].text;
  const next = (decoderIds ?? ids)[decoded + 1];
  const text = next === undefined ? undefined : textOf(next);
  return {
    position,
    logits: {
      position: decoded,
      top: topTokens(scores, TOP, textOf),
      actual:
        next === undefined
          ? null
          : {
              id: next,
              ...(text === undefined ? {} : { text }),
              logit: finite(scores[next]),
              probability: finite(Math.exp(scores[next] - logSumExp(scores)))
            }
    },
    routers: readCapture(routers, plan, outputs, ({ stack }) =>
      stack === 'decoder' ? (decoderIds ?? ids).length : ids.length
    ).map(layer => {
      const at = layer.stack === 'decoder' ? decoded : position;
      return {
        layer: layer.layer,
        ...(layer.stack ? { stack: layer.stack } : {}),
        ...(layer.module ? { module: layer.module } : {}),
        experts: layer.experts,
        position: at,
        chosen: chosenAt(layer, at)
      };
    })
  };
}

/** The experts that process a token; fewer than k if it was dropped. */
function chosenAt(
  { selected, weights, topK }: RoutingLayer,
  position: number
): TargetChoices['routers'][number]['chosen'] {
  return Array.from({ length: topK }, (_, i) => position * topK + i)
    .filter(slot => selected[slot] >= 0)
    .map(slot => ({ expert: selected[slot], weight: weights[slot] }));
}
