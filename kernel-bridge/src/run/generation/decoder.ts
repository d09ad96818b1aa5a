/** Runs sequences step by step: with the model's KV cache if it has one, otherwise the whole sequence each time. */
import type { Session } from '../engine/engine';
import type { CacheUse, RunOptions } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import type { RunEdits } from '../edits/run-edits';
import type { ModelInputs, Sequence, Step } from '../model/inputs';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { readCapture } from '../capture/read-capture';
import type { TokenSampler } from '../capture/token-sampling';
import { takeTokens } from './routing-record';
import type { StepRouting } from './sequence-record';

/** The part of a loaded model that decoding needs. */
export interface DecodableModel {
  routers: readonly Router[];
  plan: CapturePlan;
  session: Session;
  inputs: ModelInputs;
  /** The output that holds the logits of the next token. */
  logits: string;
  /** Edit inputs of the session's graph. */
  edits?: RunEdits;
}

/**
 * Results of a step for one sequence: the routing of the tokens that it ran for the first time, or of a share of them; the
 * encoder's layers only in the first step.
 */
export interface Decoded extends StepRouting {
  /** [vocabulary], for the next token. */
  logits: Float32Array;
  /** Tokens that this step ran for the first time. */
  tokens: number;
}

/** What chooses among the tokens of one sequence. */
export interface SequenceSamplers {
  own: TokenSampler;
  /** Of an encoder's tokens. */
  encoder: TokenSampler;
}

export interface Decoding {
  /** Undefined for sequences that have ended. */
  sequences: (Decoded | undefined)[];
  /** Milliseconds in onnxruntime. */
  milliseconds: number;
}

interface Row {
  ids: number[];
  encoderIds?: readonly number[];
  active: boolean;
}

/** A padding token; its results are ignored. */
const FILLER = 0;

export class Decoder {
  private readonly _rows: Row[];
  private readonly _cache?: CacheUse;
  /** For a KV cache: mask of its tokens, by row. */
  private readonly _cached: number[][];

  /**
   * @param sequences prompts of any length; one at a time for a model without a cache or with an encoder
   * @param _samplers by sequence, where only a share of the tokens is captured
   * @throws MoEDebuggerError 'model-unsupported' for a cache without an output
   */
  constructor(
    private readonly _model: DecodableModel,
    sequences: readonly Sequence[],
    private readonly _samplers?: readonly SequenceSamplers[]
  ) {
    this._rows = sequences.map(({ ids, decoderIds }) =>
      decoderIds
        ? { ids: [...decoderIds], encoderIds: ids, active: true }
        : { ids: [...ids], active: true }
    );
    this._cached = this._rows.map(() => []);
    const { cache } = _model.inputs;
    if (cache.length > 0) {
      this._cache = {
        cache: _model.session.newCache(),
        keep: Object.fromEntries(
          cache.map(({ past, present }) => [present ?? uncontinued(past), past])
        )
      };
    }
  }

  /** Runs the prompts. Must be called once, first. */
  async start(): Promise<Decoding> {
    const step = this._wholeStep();
    step.mask.forEach((mask, row) => this._cached[row].push(...mask));
    return this._run(
      step,
      ({ ids }) => ({ tokens: ids.map((_, i) => i), last: ids.length - 1 }),
      true
    );
  }

  /** Runs one more token of each sequence; a sequence without a token ends. */
  async advance(tokens: readonly (number | undefined)[]): Promise<Decoding> {
    this._rows.forEach((row, i) => {
      const token = tokens[i];
      row.active &&= token !== undefined;
      if (row.active) {
        row.ids.push(token!);
      }
    });
    return this._cache ? this._advanceCached() : this._advanceWhole();
  }

  /** Frees the KV cache, after a run that may still use it. */
  dispose(): void {
    if (this._cache) {
      // An engine that has terminated has freed it.
      this._model.session.forget(this._cache.cache).catch(() => undefined);
    }
  }

  private _advanceCached(): Promise<Decoding> {
    const cached = this._cached[0].length;
    this._rows.forEach(({ active }, i) => this._cached[i].push(active ? 1 : 0));
    const step: Step = {
      ids: this._rows.map(({ ids, active }) => [
        active ? ids[ids.length - 1] : FILLER
      ]),
      positions: this._rows.map(({ ids }) => [ids.length - 1]),
      mask: this._cached,
      cached
    };
    return this._run(step, () => ({ tokens: [0], last: 0 }), false);
  }

  private _advanceWhole(): Promise<Decoding> {
    const last = ({ ids }: Row): number => ids.length - 1;
    return this._run(
      this._wholeStep(),
      row => ({ tokens: [last(row)], last: last(row) }),
      false
    );
  }

  /**
   * Whole sequences, padded on the right: causal attention never reads the padding, and no token is left without keys,
   * for which some attention kernels return NaN.
   */
  private _wholeStep(): Step {
    const rows = this._rows;
    const width = Math.max(...rows.map(({ ids }) => ids.length));
    const { encoderIds } = rows[0];
    return {
      ids: rows.map(({ ids }) => pad(ids, width, FILLER)),
      positions: rows.map(() => Array.from({ length: width }, (_, i) => i)),
      mask: rows.map(({ ids }) =>
        pad(
          ids.map(() => 1),
          width,
          0
        )
      ),
      cached: 0,
      ...(encoderIds ? { encoderIds: [encoderIds] } : {})
    };
  }

  private _chosen(row: number, tokens: number): number[] {
    return this._samplers?.[row].own.choose(tokens) ?? indices(tokens);
  }

  private _encoderChosen(tokens: number): number[] {
    return this._samplers?.[0].encoder.choose(tokens) ?? indices(tokens);
  }

  private async _run(
    step: Step,
    fresh: (row: Row) => { tokens: number[]; last: number },
    first: boolean
  ): Promise<Decoding> {
    const { routers, plan, session, inputs, logits, edits } = this._model;
    const width = step.ids[0].length;
    const places = this._rows.map(fresh);
    const encoded = step.encoderIds?.[0].length ?? 0;
    const captured = this._rows.map(({ active }, i) =>
      active ? this._chosen(i, places[i].tokens.length) : []
    );
    const encoderCaptured = first ? this._encoderChosen(encoded) : [];
    const captures = first || captured.some(tokens => tokens.length > 0);
    const options: RunOptions = {
      cache: this._cache,
      rows: { [logits]: places.map(({ last }) => last) }
    };
    const { outputs, milliseconds } = await session.run(
      { ...inputs.feeds(step), ...edits?.feeds(step) },
      captures ? [...plan.outputs, logits] : [logits],
      options
    );
    /** In the step's order: all of one sequence, then the next one's. */
    const rows = captured.map((tokens, i) =>
      tokens.map(token => i * width + places[i].tokens[token])
    );
    const all = rows.flat();
    const layers = captures
      ? readCapture(
          routers,
          plan,
          outputs,
          ({ stack }) =>
            stack === 'encoder' ? encoded : this._rows.length * width,
          edits?.adjustments(step),
          this._samplers &&
            (({ stack }) => (stack === 'encoder' ? encoderCaptured : all))
        )
      : [];
    const values = toFloat32(outputs[logits]);
    const vocabulary = outputs[logits].dims[outputs[logits].dims.length - 1];
    let before = 0;
    const sequences = this._rows.map(({ active }, i): Decoded | undefined => {
      const own = this._samplers
        ? rows[i].map((_, at) => before + at)
        : rows[i];
      before += rows[i].length;
      return active
        ? {
            logits: values.subarray(i * vocabulary, (i + 1) * vocabulary),
            tokens: places[i].tokens.length,
            captured: captured[i],
            ...(encoded > 0 && first ? { encoderCaptured } : {}),
            layers:
              first || own.length > 0
                ? layers.map(layer =>
                    layer.stack === 'encoder'
                      ? first
                        ? layer
                        : takeTokens(layer, [])
                      : takeTokens(layer, own)
                  )
                : []
          }
        : undefined;
    });
    return { sequences, milliseconds };
  }
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function pad(
  values: readonly number[],
  width: number,
  filler: number
): number[] {
  return [...values, ...new Array<number>(width - values.length).fill(filler)];
}

function uncontinued(past: string): never {
  throw new MoEDebuggerError(
    'model-unsupported',
    `the graph has the cache input ${past} and no output for it`,
    {
      where: past,
      hint: 'export the model with its present key values as outputs, or without a cache'
    }
  );
}
