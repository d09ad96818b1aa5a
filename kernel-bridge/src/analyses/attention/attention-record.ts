/** Attention probabilities of a model's heads in one prompt. */
import { resultForms, saveResult } from '../../show/save-result';
import { MoEDebuggerError } from '../../base/errors';
import {
  pictureBundle,
  tableBundle,
  type ResultTable
} from '../../show/result-table';
import { specSvg } from '../../show/still-svg';
import { headFigure, meanFigure, type HeadMatrix } from './attention-figures';
import type { Figure } from '../../show/figure';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import {
  counted,
  layerName,
  type Stack,
  type Token
} from '../../base/protocol';
import {
  describeUnknown,
  type AttentionData,
  type AttentionLayer
} from './attention-data';
import { editNotes } from '../../run/model/runnable';

export interface AttentionDocument extends Omit<AttentionData, 'layers'> {
  schema: 'moe-debugger/attention@1';
  /** Probabilities as [heads][queries][keys]. */
  layers: (Omit<AttentionLayer, 'probabilities'> & {
    probabilities: number[][][];
  })[];
}

/** Identifies a head of a model. */
export interface HeadReference {
  layer: number;
  head: number;
  stack?: Stack;
  kind?: 'self' | 'cross';
  /** Which of several attentions that the rest does not tell apart, in graph order, from 0 on. */
  nth?: number;
}

export class AttentionRecord implements Displayable {
  readonly tokens: readonly Token[];
  /** In graph order. */
  readonly layers: readonly AttentionLayer[];

  constructor(readonly data: AttentionData) {
    this.tokens = data.tokens;
    this.layers = data.layers;
  }

  /**
   * Probabilities of one head, [queries, keys]; undefined if there is no such head.
   * @throws MoEDebuggerError 'input' for a reference that means heads of several attentions
   */
  head(place: HeadReference): Float32Array | undefined {
    const own = this._layerOf(place);
    const size = own ? own.queries * own.keys : 0;
    return own?.probabilities.subarray(
      place.head * size,
      (place.head + 1) * size
    );
  }

  /**
   * One head's probabilities as a figure, queries by keys; without a head the mean of all heads of the last layer's stack.
   * @throws MoEDebuggerError 'input' for a head that does not exist, or a reference that means several
   */
  figure(place?: HeadReference): Figure<HeadMatrix> {
    if (place === undefined) {
      return meanFigure(this.data);
    }
    const own = this._layerOf(place);
    if (!own) {
      const names = [...new Set(this.layers.map(layerName))];
      throw new MoEDebuggerError(
        'input',
        `there is no head ${place.head} in layer ${place.layer}`,
        {
          where: 'figure',
          hint: `there are ${this.layers[0].heads} heads in each of ${names.join(', ')}`
        }
      );
    }
    return headFigure(this.data, own, place.head, this.head(place)!);
  }

  toJSON(): AttentionDocument {
    return {
      schema: 'moe-debugger/attention@1',
      ...this.data,
      layers: this.layers.map(layer => ({
        ...layer,
        probabilities: rows(
          layer.probabilities,
          layer.queries * layer.keys
        ).map(head => rows(head, layer.keys).map(row => [...row]))
      }))
    };
  }

  /** One line per head: its mean attention to the first token, the previous token and the token itself. */
  toString(): string {
    return [
      this._title,
      `${''.padEnd(NAME)}${MEANS.map(name => name.padStart(COLUMN)).join('')}`,
      ...this._means().map(({ name, head, means }) =>
        [
          `${name} head ${head}`.padEnd(NAME),
          ...means.map(x => (x?.toFixed(3) ?? '-').padStart(COLUMN))
        ].join('')
      ),
      ...this._notes()
    ].join('\n');
  }

  /** The mean of all heads as a picture, and what each head attends to as a table. */
  async [MIMEBUNDLE](): Promise<JsonObject> {
    return this.layers.length > 0
      ? pictureBundle(this.figure().spec, this._table(), this.toString())
      : tableBundle(this._table(), this.toString());
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html, or .svg with the picture of the mean.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => this._table()),
      '.svg': () => specSvg(this.figure().spec)
    });
  }

  private get _title(): string {
    return `attention of ${counted(this.tokens.length, 'token')}, means over the queries`;
  }

  private _notes(): string[] {
    return [...editNotes(this.data), ...this.data.unknown.map(describeUnknown)];
  }

  private _table(): ResultTable {
    return {
      title: this._title,
      columns: ['layer', 'head', ...MEANS],
      rows: this._means().map(({ name, head, means }) => [
        name,
        head,
        ...means
      ]),
      notes: this._notes()
    };
  }

  /** For each head the means in the order of `MEANS`; null where a head has no such keys. */
  private _means(): { name: string; head: number; means: (number | null)[] }[] {
    return this.layers.flatMap(layer =>
      rows(layer.probabilities, layer.queries * layer.keys).map((own, head) => {
        const self = layer.kind === 'self';
        return {
          name: `${layerName(layer)}${self ? '' : ' cross'}`,
          head,
          means: [
            meanAt(own, layer, () => 0),
            self ? meanAt(own, layer, query => query - 1) : NaN,
            self ? meanAt(own, layer, query => query) : NaN,
            meanEntropy(own, layer)
          ].map(x => (Number.isNaN(x) ? null : x))
        };
      })
    );
  }

  /** @throws MoEDebuggerError 'input' for a reference that means heads of several attentions */
  private _layerOf({
    layer,
    head,
    stack,
    kind,
    nth
  }: HeadReference): AttentionLayer | undefined {
    const fitting = this.layers.filter(
      own =>
        own.layer === layer &&
        (stack === undefined || own.stack === stack) &&
        (kind === undefined || own.kind === kind)
    );
    if (fitting.length > 1 && nth === undefined) {
      throw new MoEDebuggerError(
        'input',
        `layer ${layer} has more than one attention`,
        {
          where: `head ${head}`,
          hint: `say by stack, kind or nth which of ${fitting
            .map((own, i) =>
              [own.stack, own.kind, `nth ${i}`].filter(Boolean).join(' ')
            )
            .join(', ')}`
        }
      );
    }
    const own = fitting.at(nth ?? 0);
    return own && Number.isInteger(head) && head >= 0 && head < own.heads
      ? own
      : undefined;
  }
}

const MEANS = ['first', 'previous', 'itself', 'entropy'];
const NAME = 24;
const COLUMN = 10;

function rows(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, i) =>
    values.subarray(i * size, (i + 1) * size)
  );
}

/** Mean over the queries that have such a key. */
function meanAt(
  head: Float32Array,
  { queries, keys }: AttentionLayer,
  keyOf: (query: number) => number
): number {
  let sum = 0;
  let count = 0;
  for (let query = 0; query < queries; query++) {
    const key = keyOf(query);
    if (key >= 0 && key < keys) {
      sum += head[query * keys + key];
      count++;
    }
  }
  return sum / count;
}

/** In nats. */
function meanEntropy(head: Float32Array, { queries }: AttentionLayer): number {
  return (
    head.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : p * 0), 0) /
    queries
  );
}
