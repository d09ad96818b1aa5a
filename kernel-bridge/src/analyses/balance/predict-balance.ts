/** Predicts from the logits of a trace what biases would do to the load: no model is run. */
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  type RoutingLayer,
  type RoutingSample
} from '../../base/protocol';
import { traceNotes, type TraceOrigin } from '../../run/trace/trace-notes';
import { jainIndex } from '../../measures';
import { sum } from '../../measures/vectors';
import { samplesIn } from '../findings/trace-input';
import { sampleKey, withoutCopies } from '../../run/model/distinct-prompts';
import type { Convention } from '../../routing/convention';
import { choiceValues } from '../../routing/route';
import { secondHalf } from '../held-out/split-prompts';
import {
  deviceLoads,
  summarizeLoad,
  type BalancedLayer
} from './balance-document';
import { BalancePlan } from './balance-plan';
import {
  fitLayer,
  fitUnseen,
  loadWith,
  noteOnUnseen,
  type BiasedRouter
} from './fit-layer';
import { halvesOf, LogitSample, type Half } from './logit-sample';
import { checkOptions, TARGET, type PredictBalanceOptions } from './options';
import { selections } from './selections';

/** A rounded tie may select another expert of the same score. */
const MOST = 0.99;

export interface RecordedRouting extends TraceOrigin {
  model?: string;
  samples: readonly RoutingSample[];
}

/**
 * Fits biases to the logits of every second sample of a domain and of a set of layers, and predicts the load of the others.
 * A copy of a sample counts once, so that none is on both sides. The input of later layers changes with the experts of
 * earlier ones, which a trace does not show: `balanceLoad` runs the model.
 *
 * @throws MoEDebuggerError 'input' for what is no trace, invalid options, and a trace of fewer than two samples
 */
export function predictBalance(
  trace: RecordedRouting,
  options: PredictBalanceOptions = {}
): BalancePlan {
  checkOptions(options);
  const { model, samples: all, ...origin } = samplesIn(trace, 'predictBalance');
  const { distinct: samples, note: copies } = withoutCopies(
    [...all],
    sampleKey,
    'sample'
  );
  const { target = TARGET } = options;
  const kinds = samples.map(kindOf);
  const isHeldOut = secondHalf(kinds);
  const fitted = samples.filter((_, i) => !isHeldOut[i]);
  const heldOut = samples.filter((_, i) => isHeldOut[i]);
  if (heldOut.length === 0) {
    throw new MoEDebuggerError(
      'input',
      `no sample of the trace is held out${copies === undefined ? '' : `: ${copies}`}`,
      {
        where: 'trace',
        hint: 'give a trace with at least two different samples of a domain, of the same layers'
      }
    );
  }
  const halves = halvesOf(kinds.filter((_, i) => !isHeldOut[i]));
  return new BalancePlan({
    model: model ?? null,
    load: 'predicted',
    target,
    fitted: sizeOf(fitted),
    heldOut: sizeOf(heldOut),
    layers: routersOf(samples).map(router =>
      predictLayer(
        router,
        fitted.flatMap(({ layers }, at) =>
          layers
            .filter(isOf(router))
            .map(layer => ({ ...layer, half: halves[at] }))
        ),
        heldOut.flatMap(({ layers }) => layers.filter(isOf(router))),
        target
      )
    ),
    effect: null,
    warnings: [
      ...traceNotes(origin),
      ...(copies === undefined ? [] : [copies]),
      'the loads with biases are predictions from recorded logits: the model was not run with the biases, and later layers would get other inputs'
    ]
  });
}

/** Each router of the samples once: a sample may lack some, so that its place among the layers does not tell a router. */
function routersOf(samples: readonly RoutingSample[]): RoutingLayer[] {
  const routers = new Map<string, RoutingLayer>();
  for (const layer of samples.flatMap(({ layers }) => layers)) {
    const name = layerName(layer);
    routers.set(name, routers.get(name) ?? layer);
  }
  return [...routers.values()];
}

/** Samples of a domain that have the same layers: half of them are held out, so that each layer is in both halves. */
function kindOf({ domain, layers }: RoutingSample): { domain: string } {
  return { domain: JSON.stringify([domain, layers.map(layerName)]) };
}

function isOf(router: RoutingLayer): (layer: RoutingLayer) => boolean {
  const name = layerName(router);
  return layer => layerName(layer) === name;
}

function predictLayer(
  identity: RoutingLayer,
  fitted: readonly (RoutingLayer & { half: Half })[],
  heldOut: readonly RoutingLayer[],
  target: number
): BalancedLayer {
  const { layer, stack, module, experts, topK, score, logitsAre } = identity;
  const convention: Convention = {
    score,
    scoreBeforeTopK: true,
    renormalized: false
  };
  const router: BiasedRouter = {
    experts,
    topK,
    convention,
    logitsAre,
    place: 'selection'
  };
  const counts = new Float64Array(experts);
  const logits = new LogitSample();
  for (const own of fitted) {
    selections(own).forEach((n, e) => (counts[e] += n));
    logits.add(own.logits, experts, own.half);
  }
  const jain = sum(counts) > 0 ? jainIndex(counts) : null;
  const note =
    topK === experts
      ? 'each token selects every expert'
      : fitted.length === 0 || heldOut.length === 0
        ? 'too few samples have it to try biases on others than those that they are fitted to'
        : jain === null
          ? 'no token was routed'
          : jain >= target
            ? `its Jain index of ${jain.toFixed(3)} meets the target`
            : [...fitted, ...heldOut].some(own => own.logits.length === 0)
              ? 'the trace has no logits of it'
              : explained(fitted, convention) < MOST
                ? 'its selection does not follow from the logits alone'
                : (noteOnUnseen(fitUnseen(router, logits)) ?? null);
  const bias = note === null ? fitLayer(router, logits)?.bias : undefined;
  const loads = [undefined, bias].map(own =>
    summarizeLoad(
      heldOut.map(recorded => {
        if (own === undefined) {
          return selections(recorded);
        }
        const rows = new LogitSample();
        rows.add(recorded.logits, experts);
        return loadWith(router, rows, own);
      }),
      experts,
      topK
    )
  );
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    experts,
    topK,
    bias: bias ? [...bias] : null,
    place: bias ? 'selection' : null,
    note: note ?? (bias ? null : 'no bias makes it more even'),
    fittedJain: jain,
    before: loads[0],
    after: loads[1],
    devices: deviceLoads(loads[0].counts, loads[1].counts)
  };
}

/** Part of the tokens whose selected experts have the k largest scores. */
function explained(
  layers: readonly RoutingLayer[],
  convention: Convention
): number {
  let tokens = 0;
  let fitting = 0;
  for (const { logits, logitsAre, selected, experts, topK } of layers) {
    for (let t = 0; t < selected.length / topK; t++) {
      const { choice } = choiceValues(
        logits.subarray(t * experts, (t + 1) * experts),
        convention,
        logitsAre
      );
      const chosen = new Set(selected.subarray(t * topK, (t + 1) * topK));
      const least = Math.min(...[...chosen].map(e => choice[e]));
      tokens++;
      fitting += choice.every((value, e) => chosen.has(e) || value <= least)
        ? 1
        : 0;
    }
  }
  return tokens === 0 ? 0 : fitting / tokens;
}

function sizeOf(samples: readonly RoutingSample[]): {
  prompts: number;
  tokens: number;
} {
  return {
    prompts: samples.length,
    tokens: samples.reduce((total, own) => total + own.tokens.length, 0)
  };
}
