/** Routing of one or more prompts: the result of a run, and the content of trace files. `views/trace-looks.ts` adds display. */
import {
  counted,
  findPlace,
  fittingPlaces,
  knownInAny,
  knownOf,
  layerName,
  type Coverage,
  type Integrity,
  type Known,
  type RouterPlace,
  type RoutingLayer,
  type RoutingSample,
  type RunStep
} from '../../base/protocol';
import { coverageOf } from './coverage';
import type { LayerCard } from '../model/description';
import type { EditRecord } from '../edits/edits';
import {
  sampleDocument,
  type OutputLogits,
  type TraceDocument
} from './trace-document';
import { unorderedText } from './unordered-tokens';
import { eventsOf, type RoutingEvent } from './routing-event';

export interface TraceTiming {
  /** Milliseconds in onnxruntime, over all samples; NaN for a trace from a file. */
  inference: number;
}

export class RoutingTrace {
  readonly id: string;
  /** The model's name. */
  readonly model: string;
  readonly samples: readonly RoutingSample[];
  readonly coverage: Coverage;
  /** What the trace holds besides the selected experts. */
  readonly known: Known;
  /** The edits of the run; empty for the unmodified model. */
  readonly edits: readonly EditRecord[];
  readonly created: Date;
  /** Conventions of the model's layers; empty if unknown. */
  readonly cards: readonly LayerCard[];
  readonly timing: TraceTiming;
  /** The steps in which each sample was run, by its id; empty for a trace from a file. */
  readonly steps: ReadonlyMap<string, readonly RunStep[]>;
  /** For a generation: number of prompt tokens in the sample; otherwise undefined. */
  readonly promptTokens: number | undefined;
  /** For a trace from a file: whether a hash of its content was compared; otherwise undefined. */
  readonly integrity: Integrity | undefined;
  /** Logits of the model's output by sample, on request: [tokens or 1, vocabulary]. */
  readonly outputLogits: ReadonlyMap<string, OutputLogits>;

  constructor(options: RoutingTrace.IOptions) {
    this.id = options.id;
    this.model = options.model;
    this.samples = options.samples;
    this.edits = options.edits ?? [];
    this.created = options.created ?? new Date();
    this.cards = options.cards ?? [];
    this.timing = options.timing;
    this.steps = options.steps ?? new Map();
    this.promptTokens = options.promptTokens;
    this.integrity = options.integrity;
    this.outputLogits = options.outputLogits ?? new Map();
    this.coverage = coverageOf(
      options.samples,
      options.moeLayers,
      options.tokensRun
    );
    this.known = knownInAny(options.samples.map(knownOf));
  }

  /**
   * Routing of one layer of the first or the given sample.
   * @param place its number, or its place where a block has several routers, or a model two stacks
   * @throws RangeError if it does not exist; MoEDebuggerError 'input' for a place that means several
   */
  layer(place: number | RouterPlace, sample = 0): RoutingLayer {
    const wanted = typeof place === 'number' ? { layer: place } : place;
    const layers = this.samples[sample]?.layers;
    if (!layers) {
      throw new RangeError(
        `there is no sample ${sample}; the trace has ${this.samples.length}`
      );
    }
    if (fittingPlaces(wanted, layers).length === 0) {
      throw new RangeError(
        `${layerName(wanted)} is not an MoE layer; there are ${layers.map(layerName).join(', ')}`
      );
    }
    return layers[findPlace(wanted, layers, 'input')];
  }

  /** One event per token and layer, in the order of samples, layers and tokens. */
  *events(): Generator<RoutingEvent, void, undefined> {
    for (const sample of this.samples) {
      yield* eventsOf(sample, {
        sessionId: this.id,
        steps: this.steps.get(sample.id),
        created: this.created.getTime()
      });
    }
  }

  /** The document that `moe-debugger trace --json` prints. */
  toJSON(): TraceDocument {
    return {
      schema: 'moe-debugger/trace@1',
      model: this.model,
      samples: this.samples.map(sample =>
        sampleDocument(sample, this.outputLogits.get(sample.id))
      ),
      coverage: this.coverage,
      edits: [...this.edits],
      ...(this.integrity === 'unverified' ? { integrity: this.integrity } : {})
    };
  }

  /** A short summary of what was captured. */
  toString(): string {
    const { layersCaptured, moeLayers, tokens, tokensRun, slots } =
      this.coverage;
    const prompts =
      this.samples.length === 1 ? '' : `${this.samples.length} prompts, `;
    const share =
      tokensRun === undefined ? '' : ` of ${tokensRun} that were run`;
    return [
      `RoutingTrace of ${this.model}: ${prompts}${counted(tokens, 'token')}${share}, ${layersCaptured} of ${counted(moeLayers, 'MoE layer')}, ${counted(slots, 'slot')}`,
      ...unorderedText(this.samples)
    ].join('\n');
  }
}

export namespace RoutingTrace {
  export interface IOptions {
    id: string;
    model: string;
    samples: readonly RoutingSample[];
    /** MoE layers of the model, captured or not. */
    moeLayers: number;
    timing: TraceTiming;
    steps?: ReadonlyMap<string, readonly RunStep[]>;
    promptTokens?: number;
    /** Tokens that were run, where only a share of them was captured. */
    tokensRun?: number;
    outputLogits?: ReadonlyMap<string, OutputLogits>;
    edits?: readonly EditRecord[];
    cards?: readonly LayerCard[];
    integrity?: Integrity;
    /** Default: now. */
    created?: Date;
  }
}
