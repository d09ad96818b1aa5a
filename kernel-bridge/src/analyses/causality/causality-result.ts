import { printableLine } from '../../base/printable';
import {
  described,
  excessIntervalsSpec,
  type VegaLiteSpec
} from '../../base/charts';
import { resultForms, saveResult } from '../../show/save-result';
import { pictureBundle, type ResultTable } from '../../show/result-table';
import { specSvg } from '../../show/still-svg';
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

/** Experts that a criterion depends on, with effects and their intervals. */
export class CausalityResult implements Displayable {
  /** All experts, largest excess first. */
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

  /** The Vega-Lite specification of the largest excesses with their intervals. */
  get spec(): VegaLiteSpec {
    return described(
      excessIntervalsSpec(
        this.rows.slice(0, DRAWN).flatMap(row =>
          row.excess === null || row.interval === null
            ? []
            : [
                {
                  name: nameOf(row),
                  excess: row.excess,
                  low: row.interval[0],
                  high: row.interval[1],
                  causal: row.causal
                }
              ]
        ),
        this._document.criterion
      ),
      this._title
    );
  }

  toJSON(): CausalityDocument {
    return { schema: 'moe-debugger/causality@1', ...this._document };
  }

  [MIMEBUNDLE](): Promise<JsonObject> {
    return pictureBundle(this.spec, this._table(), this.toString());
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
    const { model, criterion, alpha } = this._document;
    return `${printableLine(model)}: experts that ${criterion} depends on (adjusted p <= ${alpha})`;
  }

  private _table(): ResultTable {
    const { rows, notes } = this._document;
    return {
      title: this._title,
      columns: [
        'layer',
        'expert',
        'excess',
        'from',
        'to',
        'causal',
        'change',
        'change of matched experts',
        'change per token',
        'tokens',
        'prompts',
        'matched weight',
        'p',
        'adjusted p',
        'familywise p',
        'detectable excess'
      ],
      rows: rows.map(row => [
        layerName(row),
        row.expert,
        row.excess,
        row.interval?.[0] ?? null,
        row.interval?.[1] ?? null,
        row.causal ? 'yes' : row.excess === null ? 'cannot be judged' : 'no',
        row.change,
        row.matchedChange,
        row.changePerToken,
        row.load,
        row.compared,
        row.matchedWeight,
        row.p,
        row.pAdjusted,
        row.pFamilywise,
        row.detectable
      ]),
      notes
    };
  }

  toString(): string {
    const { model, criterion, mode, prompts, original, alpha, rows, notes } =
      this._document;
    const found = this.causal;
    // Beside those that are causal, the next ones: a reader may ask for one of them.
    const others = rows.filter(({ causal }) => !causal).slice(0, SHOWN);
    return [
      `${printableLine(model)}: ${criterion}, ${original.toFixed(4)} over ${counted(prompts, 'prompt')}; ${counted(rows.length, 'expert')} ablated by ${mode}`,
      found.length > 0
        ? `${found.length} change it more than as many tokens of other experts do (adjusted p <= ${alpha}), largest excess first:`
        : `none changes it more than as many tokens of other experts do (adjusted p <= ${alpha}); largest excess:`,
      ...found.map(row => `  ${nameOf(row)}: ${describeRow(row)}`),
      ...(found.length > 0 && others.length > 0
        ? [
            `not causal among the ${counted(rows.length, 'expert')} that were tested together, largest excess first:`
          ]
        : []),
      ...others.map(row => `  ${nameOf(row)}: ${describeRow(row)}`),
      ...notes.map(note => `note: ${note}`)
    ].join('\n');
  }
}

const SHOWN = 5;
/** Rows of the picture. */
const DRAWN = 24;

const nameOf = (row: CausalityRow): string =>
  `${layerName(row)} expert ${row.expert}`;

const signed = (value: number): string =>
  `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;

function describeRow({
  change,
  matchedChange,
  excess,
  interval,
  load,
  p,
  pAdjusted,
  detectable
}: CausalityRow): string {
  const own = `${signed(change)}, ${counted(load, 'token')}`;
  return excess === null || matchedChange === null
    ? `${own}, cannot be judged`
    : `${own}; matched experts ${signed(matchedChange)}; excess ${excess.toFixed(4)}` +
        `${interval ? ` [${interval.map(end => end.toFixed(4)).join(', ')}]` : ''}, ` +
        `p ${p.toPrecision(2)}, adjusted ${pAdjusted.toPrecision(2)}` +
        `${detectable === null ? '' : `, detectable ${detectable.toPrecision(2)}`}`;
}
