/** Runs sequences step by step: with the model's cache where it has one, otherwise the whole sequence each time. */
import type { Session } from '../engine/engine';
import type { CacheUse, RunOptions } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import type { RunEdits } from '../edits/run-edits';
import type { ModelInputs, Sequence, Step } from '../model/inputs';
import type { RoutingLayer } from '../../base/protocol';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { readCapture } from '../capture/read-capture';
import { takeTokens } from './routing-record';

/** What of a loaded model is needed to run it step by step. */
export interface DecodableModel {
  routers: readonly Router[];
  plan: CapturePlan;
  session: Session;
  inputs: ModelInputs;
  /** The output that holds the logits of the next token. */
  logits: string;
  /** What the session's graph is fed beside the model's own inputs. */
  edits?: RunEdits;
}

/** What a step says of one sequence. */
export interface Decoded {
  /** [vocabulary], of the token that comes next. */
  logits: Float32Array;
  /** How the tokens that this step ran for the first time were routed; the encoder's layers in the first step only. */
  layers: RoutingLayer[];
}

export interface Decoding {
  /** Undefined for sequences that no longer take part. */
  sequences: (Decoded | undefined)[];
  /** Milliseconds in onnxruntime. */
  milliseconds: number;
}

interface Row {
  ids: number[];
  encoderIds?: readonly number[];
  active: boolean;
}

/** A token that was fed to fill a row; what becomes of it is never looked at. */
const FILLER = 0;

export class Decoder {
  private readonly _rows: Row[];
  private readonly _cache?: CacheUse;
  /** Of a cache: which of its tokens count, by row. */
  private readonly _cached: number[][];

  /**
   * @param sequences prompts of any length; one at a time for a model without a cache or with an encoder
   * @throws MoEDebuggerError 'model-unsupported' for a cache that no output continues
   */
  constructor(
    private readonly _model: DecodableModel,
    sequences: readonly Sequence[]
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

  /** Runs the prompts. To be called once, first. */
  async start(): Promise<Decoding> {
    const step = this._wholeStep();
    step.mask.forEach((mask, row) => this._cached[row].push(...mask));
    return this._run(
      step,
      ({ ids }) => ({ tokens: ids.map((_, i) => i), last: ids.length - 1 }),
      true
    );
  }

  /** Runs one more token of each sequence; a sequence without one takes no further part. */
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

  /** Frees the cache, once the run that may still be in it has ended. */
  dispose(): void {
    if (this._cache) {
      // An engine that has died has freed it.
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
   * Whole sequences, padded on the right: no token then looks at padding, because a decoder looks back only, and none
   * has nothing to look at, which some attention kernels answer with NaN.
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

  private async _run(
    step: Step,
    fresh: (row: Row) => { tokens: number[]; last: number },
    first: boolean
  ): Promise<Decoding> {
    const { routers, plan, session, inputs, logits, edits } = this._model;
    const width = step.ids[0].length;
    const places = this._rows.map(fresh);
    const options: RunOptions = {
      cache: this._cache,
      rows: { [logits]: places.map(({ last }) => last) }
    };
    const { outputs, milliseconds } = await session.run(
      { ...inputs.feeds(step), ...edits?.feeds(step) },
      [...plan.outputs, logits],
      options
    );
    const encoded = step.encoderIds?.[0].length ?? 0;
    const layers = readCapture(
      routers,
      plan,
      outputs,
      ({ stack }) =>
        stack === 'encoder' ? encoded : this._rows.length * width,
      edits?.adjustments(step)
    );
    const values = toFloat32(outputs[logits]);
    const vocabulary = outputs[logits].dims[outputs[logits].dims.length - 1];
    const sequences = this._rows.map(({ active }, i) =>
      active
        ? {
            logits: values.subarray(i * vocabulary, (i + 1) * vocabulary),
            layers: layers.map(layer => {
              if (layer.stack === 'encoder') {
                return first ? layer : takeTokens(layer, []);
              }
              return takeTokens(
                layer,
                places[i].tokens.map(token => i * width + token)
              );
            })
          }
        : undefined
    );
    return { sequences, milliseconds };
  }
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
    `the graph takes a cache as ${past} and has no output that continues it`,
    {
      where: past,
      hint: 'export the model with its present key values as outputs, or without a cache'
    }
  );
}
