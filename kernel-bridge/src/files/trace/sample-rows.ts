/** Assembles the rows of one sample to typed arrays, and validates them as untrusted input. */
import { MoEDebuggerError } from '../../base/errors';
import type { MoELayerCard } from '../../run/model/description';
import {
  layerName,
  NO_TOKEN_ID,
  type RoutingLayer,
  type RoutingSample,
  type Stack,
  type Token
} from '../../base/protocol';
import { routerKey } from './cards';
import { contradictedToken, isWeightOfNone } from './check-selection';
import { growingFloats, growingInts } from './growing';
import type { NumberList, TraceRow } from './trace-rows';

interface Rows {
  card: MoELayerCard;
  topK: number;
  hasLogits: boolean;
  /** A row without weights, or with a number that is null, makes all of them unknown; the same for logits. */
  known: { weights: boolean; logits: boolean };
  positions: ReturnType<typeof growingInts>;
  ids: ReturnType<typeof growingInts>;
  selected: ReturnType<typeof growingInts>;
  weights: ReturnType<typeof growingFloats>;
  logits: ReturnType<typeof growingFloats>;
}

/** What a file allows and shows of its rows. */
export interface RowRules {
  /** For messages. */
  file: string;
  cards: ReadonlyMap<string, MoELayerCard>;
  /** Edits made tokens select another number of experts. */
  otherTopK: boolean;
  /** Edits put an expert in two places of a token. */
  repeats: boolean;
  /** What is checked in a file without a hash of its content, as imports are. */
  unverified?: {
    /** Experts and weights are compared with the logits. */
    byLogits: boolean;
    vocabulary: Vocabulary;
  };
}

/** Compares the texts of a file's tokens: an id has one text. */
export class Vocabulary {
  private readonly _texts = new Map<number, string>();
  private _room = VOCABULARY_BYTES;

  /** @returns another text that the id had before */
  other(id: number, text: string): string | undefined {
    const known = this._texts.get(id);
    if (known === undefined && this._room > 0) {
      this._texts.set(id, text);
      this._room -= ENTRY_BYTES + 2 * text.length;
    }
    return known === undefined || known === text ? undefined : known;
  }
}

/** More than any vocabulary takes: ids and texts of a hostile file must not fill the memory. */
const VOCABULARY_BYTES = 128 << 20;
const ENTRY_BYTES = 64;
/** Characters of a text in messages. */
const SHOWN = 40;

/** Texts of a trace repeat, and are kept once. */
export class Texts {
  bytes = 0;
  private readonly _known = new Map<string, string>();

  keep(text: string): string {
    const known = this._known.get(text);
    if (known !== undefined) {
      return known;
    }
    this._known.set(text, text);
    this.bytes += 2 * text.length;
    return text;
  }
}

export class SampleRows {
  private readonly _layers = new Map<string, Rows>();
  /** Token texts by stack and position. */
  private readonly _texts = new Map<string, Map<number, string>>();

  constructor(
    readonly id: string,
    private readonly _domain: string | null,
    private readonly _rules: RowRules,
    private readonly _kept: Texts
  ) {}

  /**
   * @returns size of the row in bytes
   * @throws MoEDebuggerError 'input' when it contradicts the layer's card or earlier rows
   */
  add(row: TraceRow): number {
    const rows = this._rowsOf(row);
    const { card, topK } = rows;
    const { experts, weights, logits } = row;
    const position = row.position ?? -1;
    if (position < 0) {
      this._refuse(`invalid position ${row.position}`, row);
    }
    if (experts?.length !== topK || (logits !== null) !== rows.hasLogits) {
      this._refuse('the row has different lists than earlier rows', row);
    }
    for (let i = 0; i < topK; i++) {
      const expert = experts.at(i);
      if (expert === null || expert < -1 || expert >= card.experts) {
        this._refuse(
          `invalid expert ${expert}: the layer has ${card.experts}`,
          row
        );
      }
      for (let before = 0; before < i && expert >= 0; before++) {
        if (experts.at(before) === expert && !this._rules.repeats) {
          this._refuse(`the token has expert ${expert} twice`, row);
        }
      }
      rows.selected.push(expert);
    }
    if (weights) {
      for (let i = 0; i < weights.length; i++) {
        if (Math.abs(weights.at(i) ?? NaN) === Infinity) {
          this._refuse('a weight is infinite', row);
        }
        if (
          this._rules.unverified &&
          isWeightOfNone(experts.at(i) ?? 0, weights.at(i) ?? 0)
        ) {
          this._refuse(
            `there is no expert, but the weight ${weights.at(i)}`,
            row
          );
        }
      }
      this._numbers(weights, topK, rows, 'weights', row);
    } else {
      rows.known.weights = false;
    }
    if (logits) {
      this._numbers(logits, card.experts, rows, 'logits', row);
    }
    rows.positions.push(position);
    const id = row.tokenId ?? NO_TOKEN_ID;
    if (id < 0 && id !== NO_TOKEN_ID) {
      this._refuse(`invalid token id ${id}`, row);
    }
    rows.ids.push(id);
    if (row.text !== null) {
      this._keepText(row, row.text, id, position, card);
    }
    return (
      4 * (2 + topK + topK + (logits?.length ?? 0)) +
      2 * (row.text?.length ?? 0)
    );
  }

  /** The sample, with layers in the order of the cards. @throws MoEDebuggerError 'input' when its layers disagree */
  finish(): RoutingSample {
    const sample: RoutingSample = { id: this.id, tokens: [], layers: [] };
    if (this._domain !== null) {
      sample.domain = this._domain;
    }
    const order = [...this._rules.cards.keys()].filter(key =>
      this._layers.has(key)
    );
    const first = new Map<string, { positions: Int32Array; ids: Int32Array }>();
    for (const rows of order.map(key => this._layers.get(key)!)) {
      const { layer, positions, ids } = this._layer(rows);
      const wrong = this._rules.unverified?.byLogits
        ? contradictedToken(layer, rows.card)
        : undefined;
      if (wrong) {
        this._refuse(
          wrong.what,
          layer,
          positions[wrong.token],
          'the file is damaged, or its cards are of another model: write the trace again'
        );
      }
      const stack = stackOf(rows.card);
      const before = first.get(stack);
      if (!before) {
        first.set(stack, { positions, ids });
        const tokens = this._tokens(rows.card, positions, ids);
        if (stack === 'encoder') {
          sample.encoderTokens = tokens;
        } else {
          sample.tokens = tokens;
        }
      } else if (
        !equal(before.positions, positions) ||
        !equal(before.ids, ids)
      ) {
        this._refuse(
          'the layer has different tokens than earlier layers',
          layer
        );
      }
      sample.layers.push(layer);
    }
    return sample;
  }

  private _keepText(
    row: TraceRow,
    text: string,
    id: number,
    position: number,
    card: MoELayerCard
  ): void {
    const texts = this._textsOf(card);
    const before =
      id === NO_TOKEN_ID
        ? texts.get(position)
        : this._rules.unverified?.vocabulary.other(id, text);
    if (before !== undefined && before !== text) {
      const [now, then] = [text, before].map(shown =>
        JSON.stringify(shown.slice(0, SHOWN))
      );
      this._refuse(
        `the token${id === NO_TOKEN_ID ? '' : ` ${id}`} has the text ${now}, but ${then} in an earlier row`,
        row
      );
    }
    texts.set(position, this._kept.keep(text));
  }

  private _rowsOf(row: TraceRow): Rows {
    const key = `${row.stack ?? ''}/${row.layer}/${row.module ?? ''}`;
    const known = this._layers.get(key);
    if (known) {
      return known;
    }
    const card =
      this._rules.cards.get(key) ??
      this._refuse('the file has no card of this router', row);
    const topK = row.experts?.length ?? 0;
    if (topK < 1 || topK > card.experts) {
      this._refuse(`${topK} experts of ${card.experts} are selected`, row);
    }
    if (topK !== card.topK && !this._rules.otherTopK) {
      this._refuse(
        `${topK} experts are selected, but the model selects ${card.topK}`,
        row
      );
    }
    const rows: Rows = {
      card,
      topK,
      hasLogits: row.logits !== null,
      known: { weights: true, logits: true },
      positions: growingInts(),
      ids: growingInts(),
      selected: growingInts(),
      weights: growingFloats(),
      logits: growingFloats()
    };
    this._layers.set(key, rows);
    return rows;
  }

  private _numbers(
    list: NumberList,
    width: number,
    rows: Rows,
    what: 'weights' | 'logits',
    row: TraceRow
  ): void {
    if (list.length !== width) {
      this._refuse(
        `there are ${list.length} ${what} for ${width} experts`,
        row
      );
    }
    for (let i = 0; i < width; i++) {
      const value = list.at(i);
      rows.known[what] &&= value !== null;
      rows[what].push(value ?? NaN);
    }
  }

  /** The arrays of a layer in the order of positions; a re-sorted file has another order. */
  private _layer(rows: Rows): {
    layer: RoutingLayer;
    positions: Int32Array;
    ids: Int32Array;
  } {
    const { card, topK } = rows;
    const given = rows.positions.toArray();
    const order = given.every((value, t) => t === 0 || value > given[t - 1])
      ? undefined
      : Array.from(given.keys()).sort((a, b) => given[a] - given[b]);
    const sorted = <T extends Int32Array | Float32Array>(
      values: T,
      width: number
    ): T => {
      if (!order || values.length === 0) {
        return values;
      }
      const result = values.slice() as T;
      order.forEach((from, to) =>
        result.set(
          values.subarray(from * width, (from + 1) * width),
          to * width
        )
      );
      return result;
    };
    const positions = sorted(given, 1);
    const twice = positions.findIndex(
      (value, t) => t > 0 && value === positions[t - 1]
    );
    if (twice >= 0) {
      this._refuse(`position ${positions[twice]} occurs twice`, card);
    }
    return {
      positions,
      ids: sorted(rows.ids.toArray(), 1),
      layer: {
        layer: card.layer,
        ...(card.stack ? { stack: card.stack } : {}),
        ...(card.module ? { module: card.module } : {}),
        experts: card.experts,
        topK,
        score: card.score,
        logitsAre: card.router.logitsAre,
        logits: rows.known.logits
          ? sorted(rows.logits.toArray(), card.experts)
          : new Float32Array(),
        selected: sorted(rows.selected.toArray(), topK),
        weights: rows.known.weights
          ? sorted(rows.weights.toArray(), topK)
          : new Float32Array()
      }
    };
  }

  private _tokens(
    card: MoELayerCard,
    positions: Int32Array,
    ids: Int32Array
  ): Token[] {
    const texts = this._textsOf(card);
    return Array.from(positions, (position, t) => {
      const text = texts.get(position);
      return { position, id: ids[t], ...(text === undefined ? {} : { text }) };
    });
  }

  private _textsOf(card: MoELayerCard): Map<number, string> {
    const stack = stackOf(card);
    let texts = this._texts.get(stack);
    if (!texts) {
      this._texts.set(stack, (texts = new Map<number, string>()));
    }
    return texts;
  }

  private _refuse(
    what: string,
    at: TraceRow | MoELayerCard | RoutingLayer,
    position = 'position' in at ? at.position : undefined,
    hint = 'write the trace again'
  ): never {
    const name = layerName({
      layer: at.layer ?? -1,
      stack: (at.stack ?? undefined) as Stack | undefined,
      module: at.module ?? undefined
    });
    const token = position === undefined ? '' : `, position ${position}`;
    throw new MoEDebuggerError('input', what, {
      where: `${this._rules.file}, sample ${this.id.slice(0, 60)}, ${name.slice(0, 60)}${token}`,
      hint
    });
  }
}

/** Layers of one stack have the same tokens; a decoder alone has no stack. */
function stackOf({ stack }: Pick<MoELayerCard, 'stack'>): string {
  return stack === 'encoder' ? 'encoder' : 'decoder';
}

function equal(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Cards of routers by their key. @throws MoEDebuggerError 'input' when two belong to one router */
export function cardsByRouter(
  cards: readonly MoELayerCard[],
  file: string
): Map<string, MoELayerCard> {
  const byRouter = new Map<string, MoELayerCard>();
  for (const card of cards) {
    if (byRouter.has(routerKey(card))) {
      throw new MoEDebuggerError('input', 'two cards belong to one router', {
        where: `${file}, ${layerName(card)}`,
        hint: 'write the trace again'
      });
    }
    byRouter.set(routerKey(card), card);
  }
  return byRouter;
}
