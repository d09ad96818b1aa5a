/** Compares the routing of two runs: two prompts, edits, values of k, or precisions of a model. */
import { resultForms, saveResult } from '../../show/save-result';
import { MoEDebuggerError } from '../../base/errors';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { layerName, type RoutingSample } from '../../base/protocol';
import { cardOf } from '../../files/trace/cards';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { alignTokens } from './align-tokens';
import { diffBundle, diffSvg, diffTable } from './diff-bundle';
import type { DiffData, SampleDiff } from './diff-data';
import { diffDocument, type DiffDocument } from './diff-document';
import { formatDiff } from './diff-text';
import {
  nearMissThresholds,
  type NearMissOptions,
  type NearMissThresholds
} from '../margins/near-miss';
import { LayerDiff, type Both } from './layer-diff';
import { summarize } from './layer-summary';
import { outputChanges } from './output-change';
import { otherTokenizer } from './same-tokenizer';

export type DiffOptions = NearMissOptions;

/** The part of a trace that is compared. */
export type DiffableTrace = Pick<
  RoutingTrace,
  'model' | 'samples' | 'edits' | 'cards' | 'outputLogits'
>;

/**
 * Compares two runs, token by token and router by router. Prompts are matched by id, a single prompt with a single
 * prompt regardless of id; tokens by position if both runs have the same, otherwise by a longest common subsequence.
 *
 * @throws MoEDebuggerError 'input' when the runs have no prompt or no layer in common, a layer has a different number of
 * experts, or the vocabularies differ
 */
export function diffRouting(
  a: DiffableTrace,
  b: DiffableTrace,
  options: DiffOptions = {}
): RoutingDiff {
  return new RoutingDiff(a, b, options);
}

export class RoutingDiff implements DiffData, Displayable {
  readonly runs: DiffData['runs'];
  readonly samples: DiffData['samples'];
  readonly layers: DiffData['layers'];
  readonly alone: DiffData['alone'];
  readonly nearMiss: DiffData['nearMiss'];

  constructor(a: DiffableTrace, b: DiffableTrace, options: DiffOptions) {
    this.nearMiss = nearMissThresholds(options);
    this.runs = {
      a: { model: a.model, edits: a.edits },
      b: { model: b.model, edits: b.edits }
    };
    const difference = otherTokenizer(a, b);
    if (difference !== undefined) {
      throw new MoEDebuggerError(
        'input',
        `the runs have other tokenizers: ${difference}`,
        {
          where: [...new Set([a.model, b.model])].join(' and '),
          hint: 'compare models with the same tokenizer, or by the depth of their layers with compareModels (moe-debugger compare)'
        }
      );
    }
    const pairs = matchSamples(a.samples, b.samples);
    this.samples = pairs.map(samples =>
      diffSample(samples, { a, b }, this.nearMiss)
    );
    this.layers = summarize(this.samples.map(({ layers }) => layers));
    const shared = new Set(
      this.samples.flatMap(({ layers }) =>
        layers.map(({ identity }) => layerName(identity))
      )
    );
    const alone = (trace: DiffableTrace, side: 'a' | 'b') => ({
      samples: trace.samples
        .filter(sample => pairs.every(pair => pair[side] !== sample))
        .map(({ id }) => id),
      layers: [
        ...new Set(trace.samples.flatMap(({ layers }) => layers.map(layerName)))
      ].filter(name => !shared.has(name))
    });
    this.alone = { a: alone(a, 'a'), b: alone(b, 'b') };
  }

  /** The document that `moe-debugger diff --json` prints. */
  toJSON(): DiffDocument {
    return diffDocument(this);
  }

  /**
   * Writes it to a file atomically: .json, .csv and .html with the table, or .svg with the picture of the first prompt.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => diffTable(this)),
      '.svg': () => diffSvg(this)
    });
  }

  /** A table of layers, and what only one run has. */
  toString(): string {
    return formatDiff(this);
  }

  [MIMEBUNDLE](): Promise<JsonObject> {
    return diffBundle(this, this.toString());
  }
}

function matchSamples(
  a: readonly RoutingSample[],
  b: readonly RoutingSample[]
): Both<RoutingSample>[] {
  if (a.length === 1 && b.length === 1) {
    return [{ a: a[0], b: b[0] }];
  }
  const [first, second] = [a, b].map(byId);
  const pairs = [...first].flatMap(([id, sample]) => {
    const other = second.get(id);
    return other ? [{ a: sample, b: other }] : [];
  });
  if (pairs.length === 0) {
    throw new MoEDebuggerError('input', 'the runs have no prompt in common', {
      where: `${first.size} and ${second.size} prompts`,
      hint: 'give prompts the same ids in both runs'
    });
  }
  return pairs;
}

function byId(samples: readonly RoutingSample[]): Map<string, RoutingSample> {
  const found = new Map<string, RoutingSample>();
  for (const sample of samples) {
    if (found.has(sample.id)) {
      throw new MoEDebuggerError(
        'input',
        'two prompts of a run have the same id',
        {
          where: `prompt ${sample.id}`,
          hint: 'give each an id of its own'
        }
      );
    }
    found.set(sample.id, sample);
  }
  return found;
}

function diffSample(
  { a, b }: Both<RoutingSample>,
  traces: Both<DiffableTrace>,
  near: NearMissThresholds
): SampleDiff {
  const where = `prompt ${a.id}`;
  const alignment = alignTokens(a.tokens, b.tokens, where);
  const encoderAlignment =
    a.encoderTokens && b.encoderTokens
      ? alignTokens(a.encoderTokens, b.encoderTokens, where)
      : undefined;
  const layers = a.layers.flatMap((layer, i) => {
    const j = b.layers.findIndex(
      other => layerName(other) === layerName(layer)
    );
    if (j < 0) {
      return [];
    }
    const other = b.layers[j];
    if (other.experts !== layer.experts) {
      throw new MoEDebuggerError(
        'input',
        `the layer has ${layer.experts} experts in one run and ${other.experts} in the other`,
        {
          where: `${layerName(layer)}, ${where}`,
          hint: 'compare runs of one model, or of two versions of it'
        }
      );
    }
    const encoder = layer.stack === 'encoder';
    const run = (
      trace: DiffableTrace,
      sample: RoutingSample,
      index: number
    ) => ({
      layer: sample.layers[index],
      tokens: encoder ? (sample.encoderTokens ?? []) : sample.tokens,
      convention: cardOf(trace.cards, sample.layers[index]),
      edits: trace.edits
    });
    return [
      new LayerDiff(
        run(traces.a, a, i),
        run(traces.b, b, j),
        encoder ? encoderAlignment! : alignment,
        near
      )
    ];
  });
  if (layers.length === 0) {
    throw new MoEDebuggerError('input', 'the runs have no layer in common', {
      where: `${a.layers.map(layerName).join(', ') || 'none'}; ${b.layers.map(layerName).join(', ') || 'none'}`,
      hint: 'compare runs of one model, or of two versions of it'
    });
  }
  const before = traces.a.outputLogits.get(a.id);
  const after = traces.b.outputLogits.get(b.id);
  return {
    id: a.id,
    samples: { a, b },
    alignment,
    ...(encoderAlignment ? { encoderAlignment } : {}),
    layers,
    output:
      before && after
        ? outputChanges(
            before,
            after,
            { a: a.tokens.length, b: b.tokens.length },
            alignment,
            where
          )
        : []
  };
}
