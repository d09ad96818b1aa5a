/** Outline of a trace: its samples, and the loads of its routers by domain. */
import {
  MAX_OUTLINE_SAMPLES,
  knownInAny,
  knownOf,
  layerName,
  type OutlineRouter,
  type RouterIdentity,
  type RoutingSample,
  type TraceOutline
} from '../../base/protocol';
import { jainIndex } from '../../measures/balance';
import { RouterTally } from '../../measures/router-tally';

/** @throws MoEDebuggerError 'input' when the samples are of different models */
export function traceOutline(
  model: string,
  samples: readonly RoutingSample[]
): TraceOutline {
  const domains = [...new Set(samples.flatMap(({ domain }) => domain ?? []))];
  const tallies = new Map<string, RouterTally>();
  for (const { layers, domain } of samples) {
    for (const layer of layers) {
      const { selected, weights } = layer;
      const name = layerName(layer);
      let tally = tallies.get(name);
      if (!tally) {
        tally = new RouterTally(identityOf(layer), layer.logitsAre);
        tallies.set(name, tally);
      }
      tally.add({ selected, weights }, { domain });
    }
  }
  const listed = [...tallies.values()];
  const kept = domains.filter(domain =>
    listed.some(tally => tally.domains.has(domain))
  );
  return {
    model,
    tokens: samples.reduce((sum, own) => sum + tokenCount(own), 0),
    samples: samples.slice(0, MAX_OUTLINE_SAMPLES).map(sample => ({
      id: sample.id,
      ...(sample.domain === undefined ? {} : { domain: sample.domain }),
      tokens: tokenCount(sample)
    })),
    samplesOmitted: Math.max(0, samples.length - MAX_OUTLINE_SAMPLES),
    domains: kept,
    known: knownInAny(samples.map(knownOf)),
    routers: listed.map(tally => outlineOf(tally, kept))
  };
}

function outlineOf(
  { router, tokens, counts, domains }: RouterTally,
  names: readonly string[]
): OutlineRouter {
  const { experts } = router;
  const domainTokens = new Int32Array(names.length);
  const domainCounts = new Int32Array(names.length * experts);
  names.forEach((name, d) => {
    const own = domains.get(name);
    if (own) {
      domainTokens[d] = own.tokens;
      domainCounts.set(own.counts, d * experts);
    }
  });
  return {
    ...router,
    tokens,
    balance: counts.some(c => c > 0) ? jainIndex(counts) : null,
    counts: Int32Array.from(counts),
    domainTokens,
    domainCounts
  };
}

function identityOf({
  layer,
  stack,
  module,
  experts,
  topK,
  score
}: RouterIdentity): RouterIdentity {
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    experts,
    topK,
    score
  };
}

function tokenCount({ tokens, encoderTokens }: RoutingSample): number {
  return tokens.length + (encoderTokens?.length ?? 0);
}
