/** Result of a logit lens. */
import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle, type ResultTable } from '../../show/result-table';
import { editText } from '../../run/edits/edit-text';
import type { EditRecord } from '../../run/edits/edits';
import { resultDocument } from '../../show/result-document';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import {
  layerName,
  type LensData,
  type LensLayer,
  type RankedToken
} from '../../base/protocol';

export interface LensDocument extends LensData {
  schema: 'moe-debugger/lens@1';
  edits: readonly EditRecord[];
}

export class Lens implements Displayable {
  /** The stream after each block, in graph order. */
  readonly layers: readonly LensLayer[];

  constructor(
    readonly data: LensData,
    readonly edits: readonly EditRecord[]
  ) {
    this.layers = data.layers;
  }

  toJSON(): LensDocument {
    return { schema: 'moe-debugger/lens@1', ...this.data, edits: this.edits };
  }

  /** One line per layer: the top tokens at the last position that was read, and those of its experts. */
  toString(): string {
    const { tokens, positions, experts, warnings } = this.data;
    const position = positions.at(-1)!;
    const { text, id } = tokens[position];
    const lines = this.layers.map(layer => {
      const votes = experts
        .filter(own => own.layer === layer.layer && own.stack === layer.stack)
        .map(own => ({ ...own, votes: own.positions.at(-1)!.votes }))
        .filter(own => own.votes.length > 0)
        .map(
          own =>
            `${own.module ? `${own.module} ` : ''}experts ${own.votes
              .map(({ expert, top }) => `${expert}: ${words(top, 3)}`)
              .join('; ')}`
        );
      return [layerName(layer), words(layer.top, 5, true), ...votes].join('  ');
    });
    return [
      `after token ${position} ${JSON.stringify(text ?? id)}:`,
      ...lines,
      ...this.edits.map(edit => `edited, ${editText(edit)}`),
      ...warnings.map(warning => `skipped: ${warning}`)
    ].join('\n');
  }

  [MIMEBUNDLE](): JsonObject {
    return {
      ...resultDocument('lens', this.data.model, {
        running: false,
        prompt: '',
        lens: this.data,
        done: 0,
        total: 0,
        refusal: null
      }),
      ...tableBundle(this._table(), this.toString())
    };
  }

  /**
   * Writes it to a file atomically: .json, .csv or .html.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(
      file,
      resultForms(this, () => this._table())
    );
  }

  private _table(): ResultTable {
    const { tokens, positions, warnings } = this.data;
    const position = positions.at(-1)!;
    const { text, id } = tokens[position];
    return {
      title: `what each layer says after token ${position} ${JSON.stringify(text ?? id)}`,
      columns: ['layer', 'rank', 'id', 'token', 'logit', 'probability'],
      rows: this.layers.flatMap(layer =>
        layer.top
          .slice(0, SHOWN)
          .map((token, rank) => [
            layerName(layer),
            rank + 1,
            token.id,
            token.text ?? null,
            token.logit,
            token.probability
          ])
      ),
      notes: [
        ...this.edits.map(edit => `edited, ${editText(edit)}`),
        ...warnings.map(warning => `not read: ${warning}`)
      ]
    };
  }
}

/** Tokens of a layer in the table. */
const SHOWN = 5;

function words(
  top: readonly RankedToken[],
  count: number,
  shares = false
): string {
  return top
    .slice(0, count)
    .map(({ text, id, probability }) => {
      const share =
        shares && probability !== null
          ? ` ${(100 * probability).toFixed(1)} %`
          : '';
      return JSON.stringify(text ?? id) + share;
    })
    .join(', ');
}
