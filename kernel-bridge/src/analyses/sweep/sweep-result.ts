/** Result of a sweep: every expert ablated on its own, with the effect on the predictions. */
import { printableLine } from '../../base/printable';
import { resultForms, saveResult } from '../../show/save-result';
import { pictureBundle, type ResultTable } from '../../show/result-table';
import { sweepHeatmapSpec } from '../../base/charts';
import { resultDocument } from '../../show/result-document';
import { specSvg } from '../../show/still-svg';
import { MoEDebuggerError } from '../../base/errors';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import {
  counted,
  layerName,
  type SweepDocument,
  type SweepMode,
  type SweepRow
} from '../../base/protocol';

export class SweepResult implements Displayable {
  readonly model: string;
  readonly mode: SweepMode;
  /** One per expert, in the order of routers. */
  readonly rows: readonly SweepRow[];
  /** (prompt, expert) pairs done so far, and in total. */
  readonly done: number;
  readonly total: number;
  readonly notes: readonly string[];
  /** Seconds from the first run to the last, and the number of rows and batches. */
  readonly timing: SweepTiming;
  private readonly _document: Omit<SweepDocument, 'schema'>;

  constructor(document: Omit<SweepDocument, 'schema'>, timing: SweepTiming) {
    this._document = document;
    this.timing = timing;
    const { model, mode, rows, done, total, notes } = document;
    this.model = model;
    this.mode = mode;
    this.rows = rows;
    this.done = done;
    this.total = total;
    this.notes = notes;
  }

  /** False if the sweep was cancelled. */
  get complete(): boolean {
    return this.done === this.total;
  }

  /** The rows by mean effect, descending. */
  get strongest(): SweepRow[] {
    return [...this.rows].sort((a, b) => (b.klMean ?? -1) - (a.klMean ?? -1));
  }

  toJSON(): SweepDocument {
    return { schema: 'moe-debugger/sweep@1', ...this._document };
  }

  /** A table of all rows, by descending effect. */
  toString(): string {
    return [this._summary(), ...table(this.strongest), ...this._notes()].join(
      '\n'
    );
  }

  async [MIMEBUNDLE](): Promise<JsonObject> {
    const document = this.toJSON();
    return {
      ...resultDocument('sweep', this.model, {
        running: false,
        prompts: '',
        mode: this.mode,
        sweep: document,
        refusal: null
      }),
      ...(await pictureBundle(
        sweepHeatmapSpec(document),
        this._table(),
        [
          this._summary(),
          ...table(this.strongest.slice(0, SHOWN)),
          ...(this.rows.length > SHOWN
            ? [`... and ${this.rows.length - SHOWN} more, in "rows"`]
            : []),
          ...this._notes()
        ].join('\n')
      ))
    };
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html, or .svg with the picture.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => this._table()),
      '.svg': () => specSvg(sweepHeatmapSpec(this.toJSON()))
    });
  }

  private _table(): ResultTable {
    return {
      title: this._summary(),
      columns: [
        'layer',
        'expert',
        'tokensAffected',
        'klMean',
        'klLast',
        'deltaLogProb',
        'deltaRank'
      ],
      rows: this.strongest.map(row => [
        layerName(row),
        row.expert,
        row.tokensAffected,
        row.klMean,
        row.klLast,
        row.deltaLogProb,
        row.deltaRank
      ]),
      notes: this.notes
    };
  }

  private _summary(): string {
    const { model, prompts, tokens } = this._document;
    return (
      `${printableLine(model)}: ${counted(this.rows.length, 'expert')} ablated by ${this.mode}, one at a time, over ${counted(prompts, 'prompt')} of ${counted(tokens, 'token')}` +
      (this.complete
        ? ''
        : `; cancelled after ${this.done} of ${this.total} (prompt, expert) pairs`)
    );
  }

  private _notes(): string[] {
    return this.notes.map(note => `note: ${note}`);
  }
}

export interface SweepTiming {
  seconds: number;
  /** (prompt, expert) pairs that were run; the others had no reach. */
  runs: number;
  batches: number;
}

/** A cancelled sweep, with the result so far. The model can be used again at once. */
export class SweepCancelled extends MoEDebuggerError {
  readonly partial: SweepResult;

  constructor(partial: SweepResult) {
    super(
      'cancelled',
      `cancelled after ${partial.done} of ${partial.total} (prompt, expert) pairs`,
      {
        hint: 'the error\'s "partial" holds them; the model is still loaded'
      }
    );
    this.partial = partial;
  }
}

/** Rows shown in a cell's text; the chart shows all. */
const SHOWN = 20;

function table(rows: readonly SweepRow[]): string[] {
  const cells = [
    ['layer', 'expert', 'tokens', 'KL mean', 'KL last', 'log-prob', 'rank'],
    ...rows.map(row => [
      layerName(row).replace('layer ', ''),
      String(row.expert),
      String(row.tokensAffected),
      number(row.klMean),
      number(row.klLast),
      number(row.deltaLogProb, true),
      row.deltaRank === null ? '-' : signed(row.deltaRank.toFixed(1))
    ])
  ];
  const widths = cells[0].map((_, column) =>
    Math.max(...cells.map(row => row[column].length))
  );
  return cells.map(row =>
    row.map((cell, column) => cell.padStart(widths[column])).join('  ')
  );
}

function number(value: number | null, sign = false): string {
  if (value === null) {
    return '-';
  }
  const text =
    value !== 0 && Math.abs(value) < 1e-4
      ? value.toExponential(1)
      : value.toFixed(4);
  return sign ? signed(text) : text;
}

function signed(text: string): string {
  return /^[-0]+(\.0*)?$/.test(text)
    ? text.replace('-', '')
    : text.startsWith('-')
      ? text
      : `+${text}`;
}
