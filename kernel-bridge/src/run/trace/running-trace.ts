/** A trace in the making: what a generation has run so far, for those who watch. */
import type {
  Coverage,
  RoutingLayer,
  RoutingSample,
  RunStep,
  TraceRows
} from '../../base/protocol';
import { takeTokens } from '../generation/routing-record';
import { coverageOf } from './coverage';

/** Where the rows come from. */
export interface RunningSource {
  readonly steps: readonly RunStep[];
  sample(): RoutingSample;
  /** Captured tokens so far. */
  readonly captured: number;
  tokensFrom(from: number): RoutingSample['tokens'];
  layersFrom(from: number): RoutingLayer[];
}

export class RunningTrace {
  /** The id that the finished trace will have. */
  readonly id: string;
  readonly model: string;
  /** The start of the prompt, or "12 token ids". */
  readonly label: string;
  /** Number of edits of the run. */
  readonly edits: number;
  readonly created: Date;
  private readonly _moeLayers: number;
  private readonly _source: RunningSource;
  private readonly _listeners = new Set<() => void>();
  private _ended = false;

  /** @internal */
  constructor(options: RunningTrace.IOptions) {
    this.id = options.id;
    this.model = options.model;
    this.label = options.label;
    this.edits = options.edits;
    this.created = options.created;
    this._moeLayers = options.moeLayers;
    this._source = options.source;
  }

  /** Whether no more tokens come. */
  get ended(): boolean {
    return this._ended;
  }

  /** Captured tokens so far, those of the prompt included. */
  get tokens(): number {
    return this._source.captured;
  }

  /** The prompt's step, then one for each new token. */
  get steps(): readonly RunStep[] {
    return this._source.steps;
  }

  /** The routing so far. */
  get sample(): RoutingSample {
    return this._source.sample();
  }

  get coverage(): Coverage {
    return coverageOf([this.sample], this._moeLayers);
  }

  /** The captured tokens from one on, without those of an encoder, and the steps from one on. */
  rows(from: number, fromStep = 0): TraceRows {
    return {
      trace: this.id,
      from,
      skipped: [],
      tokens: this._source.tokensFrom(from),
      layers: this._source
        .layersFrom(from)
        .map(layer =>
          layer.stack === 'encoder' ? takeTokens(layer, []) : layer
        ),
      steps: this._source.steps.slice(fromStep)
    };
  }

  /** Calls back after each step, and at the end; returns a function that stops it. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** @internal a step was added to the source */
  stepped(): void {
    this._tell();
  }

  /** @internal */
  end(): void {
    if (!this._ended) {
      this._ended = true;
      this._tell();
      this._listeners.clear();
    }
  }

  private _tell(): void {
    for (const listener of [...this._listeners]) {
      listener();
    }
  }
}

export namespace RunningTrace {
  export interface IOptions {
    id: string;
    model: string;
    label: string;
    edits: number;
    created: Date;
    /** MoE layers of the model, captured or not. */
    moeLayers: number;
    source: RunningSource;
  }
}
