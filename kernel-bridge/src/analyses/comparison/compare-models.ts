/** Compares the routing of several models, of any families and depths, by the relative depth of their layers. */
import { printableLine } from '../../base/printable';
import { MoEDebuggerError } from '../../base/errors';
import type { Stack } from '../../base/protocol';
import {
  layerMetrics,
  tallyTrace,
  totalVariation,
  type RouterTally
} from '../../measures';
import { sum } from '../../measures/vectors';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { traceNotes } from '../../run/trace/trace-notes';
import { otherTokenizer } from '../diff/same-tokenizer';
import type {
  AlignedDepth,
  ComparedLayer,
  ComparedModel
} from './comparison-document';
import { ModelComparison } from './model-comparison';
import { otherPrompts } from './other-prompts';

/** The part of a trace that is compared. */
export type ComparableTrace = Pick<
  RoutingTrace,
  'model' | 'samples' | 'cards'
> &
  Partial<Pick<RoutingTrace, 'edits' | 'integrity'>>;

export interface CompareOptions {
  /** Names of the models, one a trace. Default: those in the traces. */
  names?: readonly string[];
}

/**
 * @param traces of two models or more, best of the same texts
 * @throws MoEDebuggerError 'input' for fewer than two traces, one without routed tokens, or other than one name a trace
 */
export function compareModels(
  traces: readonly ComparableTrace[],
  options: CompareOptions = {}
): ModelComparison {
  checkTraces(traces);
  const { names = traces.map(({ model }) => model) } = options;
  if (traces.length < 2) {
    throw new MoEDebuggerError('input', 'there is nothing to compare with', {
      where: `${traces.length} traces`,
      hint: 'give traces of two models or more'
    });
  }
  if (names.length !== traces.length) {
    throw new MoEDebuggerError(
      'input',
      `there are ${names.length} names for ${traces.length} traces`,
      { where: 'names', hint: 'give one name a trace' }
    );
  }
  const models = distinct(names).map((name, i) => compared(name, traces[i]));
  const { sameTokens, warnings } = tokensOf(traces, models);
  return new ModelComparison({
    models,
    aligned: aligned(models),
    sameTokens,
    warnings: [
      ...warnings,
      ...otherPrompts(traces),
      ...traces.flatMap((trace, i) =>
        traceNotes(trace).map(note => `${models[i].name}: ${note}`)
      )
    ]
  });
}

function checkTraces(traces: unknown): void {
  const hint = 'give a list of traces, such as those of model.trace(prompts)';
  if (!Array.isArray(traces)) {
    throw new MoEDebuggerError('input', 'no list of traces is given', {
      where: 'compareModels',
      hint
    });
  }
  const wrong = (traces as unknown[]).findIndex(trace => !isTrace(trace));
  if (wrong >= 0) {
    throw new MoEDebuggerError('input', 'it is no trace', {
      where: `trace ${wrong + 1} of ${traces.length}`,
      hint
    });
  }
}

function isTrace(value: unknown): boolean {
  const { samples, cards } = (value ?? {}) as Partial<ComparableTrace>;
  return Array.isArray(samples) && Array.isArray(cards);
}

/** A name that occurs again gets a number. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map(name => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

/** @throws MoEDebuggerError 'input' for a trace without routed tokens */
function compared(
  name: string,
  { samples, cards }: ComparableTrace
): ComparedModel {
  const tally = tallyTrace({ samples });
  const { routers } = tally;
  if (!routers.some(({ tokens }) => tokens > 0)) {
    throw new MoEDebuggerError('input', 'the trace has no routed tokens', {
      where: name,
      hint: 'give a trace of an MoE model with at least one prompt'
    });
  }
  const places = [...routers.map(({ router }) => router), ...cards];
  const blocksOf = (stack: Stack | undefined): number =>
    Math.max(
      ...places
        .filter(place => place.stack === stack)
        .map(({ layer }) => layer + 1)
    );
  const stacks = new Set(places.map(({ stack }) => stack));
  return {
    name,
    prompts: tally.samples,
    tokens: tally.tokens,
    blocks: [...stacks].reduce((all, stack) => all + blocksOf(stack), 0),
    layers: routers.map(own => comparedLayer(own, blocksOf(own.router.stack)))
  };
}

function comparedLayer(tally: RouterTally, blocks: number): ComparedLayer {
  const { layer, stack, module, experts, topK } = tally.router;
  const metrics = layerMetrics(tally);
  const known = (value: number): number | null =>
    Number.isFinite(value) ? value : null;
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    depth: blocks > 1 ? layer / (blocks - 1) : 0,
    experts,
    topK,
    jain: known(metrics.jain),
    loadEntropy: known(metrics.loadEntropy),
    meanConfidence: known(metrics.meanConfidence),
    firstChoiceRepetition: known(metrics.firstChoiceRepetition),
    domainDistance: domainDistance(tally)
  };
}

/** Mean total variation of the slot shares of two domains; null with fewer than two that selected any expert. */
function domainDistance({ domains }: RouterTally): number | null {
  const shares = [...domains.values()].flatMap(({ counts }) => {
    const total = sum(counts);
    return total > 0 ? [Array.from(counts, count => count / total)] : [];
  });
  const distances = shares.flatMap((one, i) =>
    shares.slice(i + 1).map(other => totalVariation(one, other))
  );
  return distances.length === 0 ? null : sum(distances) / distances.length;
}

function aligned(models: readonly ComparedModel[]): AlignedDepth[] {
  return (['encoder', 'decoder'] as const).flatMap(stack => {
    const layers = models.map(({ layers: all }) =>
      all.flatMap((layer, index) =>
        (layer.stack ?? 'decoder') === stack ? [{ ...layer, index }] : []
      )
    );
    return [...new Set(layers.flat().map(moduleOf))]
      .flatMap(module =>
        alignedModule(
          layers.map(own => own.filter(layer => moduleOf(layer) === module))
        )
      )
      .sort((a, b) => a.depth - b.depth)
      .map(row => ({ ...(stack === 'encoder' ? { stack } : {}), ...row }));
  });
}

/** Routers of MLPs are named only in blocks that have another router too. */
function moduleOf({ module = 'mlp' }: ComparedLayer): string {
  return module;
}

/** For each layer of the model with the most, the nearest in depth of every other. */
function alignedModule(
  models: readonly (readonly { index: number; depth: number }[])[]
): Pick<AlignedDepth, 'depth' | 'layers'>[] {
  const deepest = models.reduce((most, layers) =>
    layers.length > most.length ? layers : most
  );
  return deepest.map(({ index, depth }) => ({
    depth,
    layers: models.map(layers =>
      layers === deepest
        ? index
        : layers.reduce<{ index: number | null; distance: number }>(
            (best, layer) => {
              const distance = Math.abs(layer.depth - depth);
              return distance < best.distance
                ? { index: layer.index, distance }
                : best;
            },
            { index: null, distance: Infinity }
          ).index
    )
  }));
}

function tokensOf(
  traces: readonly ComparableTrace[],
  models: readonly ComparedModel[]
): { sameTokens: boolean | null; warnings: string[] } {
  const [first, ...others] = traces;
  const differences = others.flatMap((trace, i) => {
    const difference = otherTokenizer(first, trace);
    return difference === undefined
      ? []
      : [
          `${printableLine(models[0].name)} and ${printableLine(models[i + 1].name)} have other tokenizers (${difference}): measures are over each model's own tokens`
        ];
  });
  const known = traces.every(({ samples }) =>
    samples.some(({ tokens }) => tokens.some(({ text }) => text !== undefined))
  );
  return {
    sameTokens: differences.length > 0 ? false : known ? true : null,
    warnings: differences
  };
}
