import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle, type ResultTable } from '../../show/result-table';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import {
  counted,
  layerName,
  type CausalityDocument,
  type CausalityRow
} from '../../base/protocol';

/** Experts that a criterion depends on, with significance. */
export class CausalityResult implements Displayable {
  /** All tested experts, smallest p first. */
  readonly rows: readonly CausalityRow[];

  constructor(private readonly _document: Omit<CausalityDocument, 'schema'>) {
    this.rows = _document.rows;
  }

  /** Experts whose adjusted p is at most `alpha`. */
  get causal(): CausalityRow[] {
    return this.rows.filter(({ causal }) => causal);
  }

  get notes(): readonly string[] {
    return this._document.notes;
  }

  toJSON(): CausalityDocument {
    return { schema: 'moe-debugger/causality@1', ...this._document };
  }

  [MIMEBUNDLE](): JsonObject {
    return tableBundle(this._table(), this.toString());
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
    const { model, criterion, alpha, rows, notes } = this._document;
    return {
      title: `${model}: experts that ${criterion} depends on (adjusted p <= ${alpha})`,
      columns: [
        'layer',
        'expert',
        'tokens',
        'change',
        'change of random experts',
        'p',
        'adjusted p',
        'causal'
      ],
      rows: rows.map(row => [
        layerName(row),
        row.expert,
        row.load,
        row.change,
        row.nullChange,
        row.p,
        row.pAdjusted,
        row.causal ? 'yes' : 'no'
      ]),
      notes
    };
  }

  toString(): string {
    const { model, criterion, mode, prompts, original, alpha, rows, notes } =
      this._document;
    const found = this.causal;
    const shown = found.length > 0 ? found : rows.slice(0, SHOWN);
    return [
      `${model}: ${criterion}, ${original.toFixed(4)} over ${counted(prompts, 'prompt')}; ${counted(rows.length, 'expert')} ablated by ${mode}`,
      found.length > 0
        ? `${found.length} change it more than experts of their load (adjusted p <= ${alpha}):`
        : `none changes it more than experts of its load (adjusted p <= ${alpha}); smallest p:`,
      ...shown.map(
        row =>
          `  ${layerName(row)} expert ${row.expert}: ${row.change >= 0 ? '+' : ''}${row.change.toFixed(4)} ` +
          `(random: ${row.nullChange.toFixed(4)}), ${counted(row.load, 'token')}, p ${row.p.toPrecision(2)}, ` +
          `adjusted ${row.pAdjusted.toPrecision(2)}, at least ${row.smallestP.toPrecision(2)}`
      ),
      ...notes.map(note => `note: ${note}`)
    ].join('\n');
  }
}

const SHOWN = 5;
