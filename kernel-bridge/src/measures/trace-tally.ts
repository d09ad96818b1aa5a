/** The tallies of a model's routers, fed sample by sample. */
import { MoEDebuggerError } from '../base/errors';
import {
  layerName,
  type RouterIdentity,
  type RoutingSample
} from '../base/protocol';
import { layerMetrics, type LayerMetrics } from './metrics';
import { Novelty, type SampleNovelty } from './novelty';
import { RouterTally } from './router-tally';

/** Adds up traces of any length in memory that does not grow with them. */
export class TraceTally {
  private readonly _routers = new Map<string, RouterTally>();
  private readonly _novelty = new Novelty();
  /** Samples and tokens added; tokens of an encoder are not counted. */
  samples = 0;
  tokens = 0;

  /** One tally a router, in graph order. */
  get routers(): RouterTally[] {
    return [...this._routers.values()];
  }

  /** @throws MoEDebuggerError 'input' when the sample's arrays do not fit its layers, or those seen before */
  add(
    sample: RoutingSample,
    novelty: SampleNovelty = this._novelty.add(sample)
  ): this {
    this.samples++;
    this.tokens += sample.tokens.length;
    for (const layer of sample.layers) {
      const { logitsAre, logits, selected, weights, ...router } = layer;
      this._router(router, logitsAre).add(
        { selected, weights, logits },
        { domain: sample.domain, novelty: novelty.get(layer.stack) }
      );
    }
    return this;
  }

  find(place: Pick<RouterIdentity, 'layer' | 'stack' | 'module'>) {
    return this._routers.get(layerName(place));
  }

  metrics(): LayerMetrics[] {
    return this.routers.map(layerMetrics);
  }

  private _router(
    router: RouterIdentity,
    logitsAre: 'logits' | 'probabilities'
  ): RouterTally {
    const key = layerName(router);
    let tally = this._routers.get(key);
    if (!tally) {
      tally = new RouterTally(router, logitsAre);
      this._routers.set(key, tally);
    }
    const { experts, topK } = tally.router;
    if (router.experts !== experts || router.topK !== topK) {
      throw new MoEDebuggerError(
        'input',
        `top-${router.topK} of ${router.experts} experts after top-${topK} of ${experts}`,
        { where: key, hint: 'add traces of one model only' }
      );
    }
    return tally;
  }
}

/** The tallies of samples that are at hand. */
export function tallyTrace(trace: {
  samples: Iterable<RoutingSample>;
}): TraceTally {
  const tally = new TraceTally();
  for (const sample of trace.samples) {
    tally.add(sample);
  }
  return tally;
}
