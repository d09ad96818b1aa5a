import {
  ProtocolError,
  type RoutingLayer,
  type RoutingSample,
  type Token,
  type TraceRows
} from 'moe-debugger/protocol';

/** A sample that takes the rows of a trace in the making. The arrays grow in place, so that a row costs what a row holds. */
export class GrowingSample {
  constructor(sample: RoutingSample) {
    this._sample = sample;
    this._tokens = [...sample.tokens];
    this._layers = sample.layers.map(layer =>
      layer.stack === 'encoder' ? undefined : new GrowingLayer(layer)
    );
  }

  /** Shares its arrays with those of later calls, which hold more. */
  get sample(): RoutingSample {
    return this._sample;
  }

  /**
   * Adds the rows that are not there yet.
   * @returns false where rows before them are missing
   * @throws ProtocolError for rows of another trace
   */
  append({ from, skipped, tokens, layers }: TraceRows): boolean {
    const had = this._tokens.length;
    if (from > had) {
      return false;
    }
    const known = had - from;
    if (known >= skipped.length + tokens.length) {
      return true;
    }
    this._check(layers);
    const blank = skipped.slice(known);
    const first = Math.max(0, known - skipped.length);
    this._tokens = [...this._tokens, ...blank, ...tokens.slice(first)];
    this._layers.forEach((layer, i) => {
      layer?.skip(blank.length);
      layer?.add(layers[i], first);
    });
    const { encoderTokens } = this._sample;
    this._sample = {
      ...this._sample,
      tokens: this._tokens,
      ...(encoderTokens ? { encoderTokens } : {}),
      layers: this._sample.layers.map(
        (layer, i) => this._layers[i]?.layer ?? layer
      )
    };
    return true;
  }

  private _check(layers: readonly RoutingLayer[]): void {
    const own = this._sample.layers;
    const fits =
      layers.length === own.length &&
      layers.every(
        ({ layer, stack, module, experts, topK }, i) =>
          layer === own[i].layer &&
          stack === own[i].stack &&
          module === own[i].module &&
          experts === own[i].experts &&
          topK === own[i].topK
      );
    if (!fits) {
      throw new ProtocolError('the kernel sent rows of another trace');
    }
  }

  private _layers: (GrowingLayer | undefined)[];
  private _sample: RoutingSample;
  private _tokens: Token[];
}

class GrowingLayer {
  constructor(private _layer: RoutingLayer) {
    const { logits, selected, weights } = _layer;
    this._logits = new GrowingArray(logits);
    this._selected = new GrowingArray(selected);
    this._weights = new GrowingArray(weights);
  }

  get layer(): RoutingLayer {
    return {
      ...this._layer,
      logits: this._logits.values,
      selected: this._selected.values,
      weights: this._weights.values
    };
  }

  /** Tokens whose routing is not known yet: no expert, and no logit. */
  skip(tokens: number): void {
    const { experts, topK } = this._layer;
    this._logits.fill(NaN, tokens * experts);
    this._selected.fill(-1, tokens * topK);
    this._weights.fill(0, tokens * topK);
  }

  add({ logits, selected, weights }: RoutingLayer, from: number): void {
    const { experts, topK } = this._layer;
    const tokens = selected.length / topK - from;
    if (logits.length > 0) {
      this._logits.push(logits.subarray(from * experts));
    } else {
      this._logits.fill(NaN, tokens * experts);
    }
    this._selected.push(selected.subarray(from * topK));
    if (weights.length > 0) {
      this._weights.push(weights.subarray(from * topK));
    } else {
      this._weights.fill(0, tokens * topK);
    }
  }

  private _logits: GrowingArray<Float32Array>;
  private _selected: GrowingArray<Int32Array>;
  private _weights: GrowingArray<Float32Array>;
}

/** A typed array whose space doubles. */
class GrowingArray<T extends Float32Array | Int32Array> {
  constructor(values: T) {
    this._space = values.slice() as T;
    this._length = values.length;
  }

  get values(): T {
    return this._space.subarray(0, this._length) as T;
  }

  push(values: T): void {
    this._reserve(values.length);
    this._space.set(values, this._length);
    this._length += values.length;
  }

  fill(value: number, count: number): void {
    this._reserve(count);
    this._space.fill(value, this._length, this._length + count);
    this._length += count;
  }

  private _reserve(count: number): void {
    const needed = this._length + count;
    if (needed > this._space.length) {
      const space = new (this._space.constructor as new (n: number) => T)(
        Math.max(needed, 2 * this._space.length)
      );
      space.set(this._space.subarray(0, this._length));
      this._space = space;
    }
  }

  private _length: number;
  private _space: T;
}
