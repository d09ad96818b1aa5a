/**
 * Checks weights that a convention computes, since the graph holds none, against what the layer adds. A misread
 * convention would otherwise give plausible weights, and nothing would contradict them.
 */
import type { MoEDebuggerError } from '../../base/errors';
import { mismatch, routeEdited } from '../capture/check-convention';
import { readCapture } from '../capture/read-capture';
import { wholeSequence } from '../model/inputs';
import type { LoadedModel } from '../model/loaded-model';
import { ofModel } from '../model/of-model';
import type { TokenizedPrompt } from '../model/prompt';
import type { Router } from '../../routing/convention';
import { fusedDifference } from './fused-sum';
import { slotShares } from './slot-shares';

/** Kernels of few bits round differently by the number of tokens. */
const TOLERANCE = 2e-2;

/** The check of a model: it is made once. */
export const addedCheck = ofModel(model => new AddedCheck(model));

class AddedCheck {
  private _checked?: Promise<void>;

  constructor(private readonly _model: LoadedModel) {}

  /**
   * @param prompt run where the experts are not in one operator
   * @throws MoEDebuggerError 'capture' naming the layer and the size of the difference
   */
  run(prompt: TokenizedPrompt): Promise<void> {
    return (this._checked ??= this._run(prompt).catch((error: unknown) => {
      this._checked = undefined;
      throw error;
    }));
  }

  async release(): Promise<void> {
    this._checked = undefined;
    return Promise.resolve();
  }

  private async _run(prompt: TokenizedPrompt): Promise<void> {
    for (const router of oneOfEach(this._model.routers)) {
      const error =
        router.tensors.selected === null
          ? await this._fused(router)
          : await this._plain(router, prompt);
      if (error) {
        throw error;
      }
    }
  }

  private async _fused(router: Router): Promise<MoEDebuggerError | undefined> {
    const difference = await fusedDifference(this._model, router);
    return difference !== undefined && difference > TOLERANCE
      ? mismatch(
          router,
          `its experts times the weights of its convention differ from what the layer adds by ${percent(difference)}`
        )
      : undefined;
  }

  private async _plain(
    router: Router,
    prompt: TokenizedPrompt
  ): Promise<MoEDebuggerError | undefined> {
    const { topK } = router;
    if (topK === 1) {
      return undefined;
    }
    const { logits, selected } = await this._captured(router, prompt);
    const shares = await slotShares(this._model, router, prompt, selected);
    const { weights } = routeEdited(router, logits, undefined);
    let difference = 0;
    shares?.forEach((share, at) => {
      const start = at - (at % topK);
      const sum = weights
        .subarray(start, start + topK)
        .reduce((a, b) => a + b, 0);
      difference = Math.max(difference, Math.abs(share - weights[at] / sum));
    });
    return difference > TOLERANCE
      ? mismatch(
          router,
          `the shares of the chosen experts in what the layer adds differ from the weights of its convention by up to ${difference.toFixed(3)}`
        )
      : undefined;
  }

  private async _captured(
    router: Router,
    prompt: TokenizedPrompt
  ): Promise<{ logits: Float32Array; selected: Int32Array }> {
    const { session, inputs, plan, routers } = this._model;
    const { outputs } = await session.run(
      inputs.feeds(wholeSequence(prompt)),
      plan.outputs
    );
    return readCapture(routers, plan, outputs, ({ stack }) =>
      stack === 'decoder' && prompt.decoderIds
        ? prompt.decoderIds.length
        : prompt.ids.length
    )[routers.indexOf(router)];
  }
}

/** One of the routers of each kind whose weights the graph does not hold: numbers of experts differ, the rule does not. */
function oneOfEach(routers: readonly Router[]): Router[] {
  const kinds = new Map<string, Router>();
  for (const router of routers) {
    const { tensors, convention, pattern } = router;
    if (tensors.weights === null && tensors.denseWeights === undefined) {
      const kind = JSON.stringify([
        pattern,
        Object.entries(convention).filter(([, value]) => !Array.isArray(value))
      ]);
      kinds.set(kind, kinds.get(kind) ?? router);
    }
  }
  return [...kinds.values()];
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
