/** Result of the search for triggers. */
import { printableLine } from '../../base/printable';
import {
  described,
  triggerRatesSpec,
  type VegaLiteSpec
} from '../../base/charts';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted } from '../../base/protocol';
import {
  pictureBundle,
  tableBundle,
  type ResultTable
} from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import { specSvg } from '../../show/still-svg';
import type { Trigger, TriggersDocument } from './trigger-document';

export class Triggers implements Displayable {
  /** Smallest p first. */
  readonly triggers: readonly Trigger[];
  /** What cannot be told. */
  readonly notes: readonly string[];

  constructor(private readonly _document: Omit<TriggersDocument, 'schema'>) {
    this.triggers = _document.triggers;
    this.notes = _document.notes;
  }

  toJSON(): TriggersDocument {
    return { schema: 'moe-debugger/triggers@1', ...this._document };
  }

  toString(): string {
    return [
      this._title,
      ...this.triggers
        .slice(0, LISTED)
        .map(own =>
          [
            `${sequenceText(own)} > ${own.router} expert ${own.expert}`.padEnd(
              NAME
            ),
            `${percent(own.rate)} of ${counted(own.seen, 'text')}`,
            `elsewhere ${percent(own.otherwise)}`,
            `p ${own.correctedP.toExponential(1)}`
          ].join('  ')
        ),
      ...(this.triggers.length > LISTED
        ? [`and ${this.triggers.length - LISTED} more`]
        : []),
      ...this.notes.map(note => `note: ${note}`)
    ].join('\n');
  }

  /** The Vega-Lite specification of the strongest. */
  get spec(): VegaLiteSpec {
    return described(
      triggerRatesSpec(
        this.triggers.slice(0, DRAWN).map(own => ({
          name: `${sequenceText(own)} > ${own.router} expert ${own.expert}`,
          rate: own.rate,
          low: own.rateInterval[0],
          high: own.rateInterval[1],
          otherwise: own.otherwise
        }))
      ),
      this._title
    );
  }

  [MIMEBUNDLE](): JsonObject | Promise<JsonObject> {
    const [table, text] = [this._table(), this.toString()];
    return this.triggers.length === 0
      ? tableBundle(table, text)
      : pictureBundle(this.spec, table, text);
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html or .svg.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => this._table()),
      '.svg': () => specSvg(this.spec)
    });
  }

  private get _title(): string {
    const { model, n, texts, sequences } = this._document;
    return `${printableLine(model ?? 'trace')}: sequences of ${counted(n, 'token')} that trigger an expert, ${this.triggers.length} found, ${counted(sequences, 'sequence')} tested in ${counted(texts, 'text')}`;
  }

  private _table(): ResultTable {
    return {
      title: this._title,
      columns: [
        'sequence',
        'router',
        'expert',
        'texts',
        'selected in',
        'rate',
        'low',
        'high',
        'elsewhere',
        'corrected p'
      ],
      rows: this.triggers.map(own => [
        sequenceText(own),
        own.router,
        own.expert,
        own.seen,
        own.selected,
        own.rate,
        ...own.rateInterval,
        own.otherwise,
        own.correctedP
      ]),
      notes: this.notes
    };
  }
}

const LISTED = 40;
const DRAWN = 20;
const NAME = 42;

function sequenceText({ texts, ids }: Trigger): string {
  return texts === undefined ? ids.join(' ') : JSON.stringify(texts.join(''));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
