/** The routing of one or more prompts: what a run returns and what is stored. `views/trace-looks.ts` adds how it looks. */
import {
  layerName,
  tokensOf,
  type Coverage,
  type RoutingLayer,
  type RoutingSample
} from '../../base/protocol';
import { coverageOf } from './coverage';
import type { LayerCard } from '../model/description';
import type { EditRecord } from '../edits/edits';
import {
  sampleDocument,
  type OutputLogits,
  type TraceDocument
} from './trace-document';
import { confidence, type RoutingEvent } from './routing-event';

export interface TraceTiming {
  /** Milliseconds in onnxruntime, all samples together; NaN where a file does not tell. */
  inference: number;
}

export class RoutingTrace {
  readonly id: string;
  /** The model's name. */
  readonly model: string;
  readonly samples: readonly RoutingSample[];
  readonly coverage: Coverage;
  /** What was changed in the run; empty for the model as it is. */
  readonly edits: readonly EditRecord[];
  readonly created: Date;
  /** Conventions of the model's layers; empty where they are not known. */
  readonly cards: readonly LayerCard[];
  readonly timing: TraceTiming;
  /** Of a generation: how many tokens of the sample were its prompt; undefined where all were given. */
  readonly promptTokens: number | undefined;
  /** Logits of the model's output by sample, where they were asked for: [tokens or 1, vocabulary]. */
  readonly outputLogits: ReadonlyMap<string, OutputLogits>;

  constructor(options: RoutingTrace.IOptions) {
    this.id = options.id;
    this.model = options.model;
    this.samples = options.samples;
    this.edits = options.edits ?? [];
    this.created = options.created ?? new Date();
    this.cards = options.cards ?? [];
    this.timing = options.timing;
    this.promptTokens = options.promptTokens;
    this.outputLogits = options.outputLogits ?? new Map();
    this.coverage = coverageOf(options.samples, options.moeLayers);
  }

  /** Routing of one layer of the first sample, or of the sample given. @throws RangeError when there is none. */
  layer(layer: number, sample = 0): RoutingLayer {
    const found = this.samples[sample]?.layers.find(
      entry => entry.layer === layer
    );
    if (!found) {
      const have = this.samples[sample]?.layers.map(layerName).join(', ');
      throw new RangeError(
        have === undefined
          ? `there is no sample ${sample}; the trace has ${this.samples.length}`
          : `layer ${layer} is not an MoE layer; there are ${have}`
      );
    }
    return found;
  }

  /** One event a token and layer, in the order of samples, layers and tokens. */
  *events(): Generator<RoutingEvent, void, undefined> {
    const timestamp = this.created.getTime();
    for (const sample of this.samples) {
      for (const layer of sample.layers) {
        const tokens = tokensOf(sample, layer);
        for (let t = 0; t < tokens.length; t++) {
          const expertWeights = Array.from(
            layer.weights.subarray(t * layer.topK, (t + 1) * layer.topK)
          );
          yield {
            timestamp,
            sessionId: this.id,
            layerIdx: layer.layer,
            tokenPosition: tokens[t].position,
            tokenText: tokens[t].text ?? '',
            expertWeights,
            selectedExperts: Array.from(
              layer.selected.subarray(t * layer.topK, (t + 1) * layer.topK)
            ),
            routingConfidence: confidence(layer, t)
          };
        }
      }
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
      edits: [...this.edits]
    };
  }

  /** A short text: what was captured, and where. */
  toString(): string {
    const { layersCaptured, moeLayers, tokens, slots } = this.coverage;
    const prompts =
      this.samples.length === 1 ? '' : `${this.samples.length} prompts, `;
    return `RoutingTrace of ${this.model}: ${prompts}${tokens} tokens, ${layersCaptured} of ${moeLayers} MoE layers, ${slots} slots`;
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
    promptTokens?: number;
    outputLogits?: ReadonlyMap<string, OutputLogits>;
    edits?: readonly EditRecord[];
    cards?: readonly LayerCard[];
    /** Default: now. */
    created?: Date;
  }
}
