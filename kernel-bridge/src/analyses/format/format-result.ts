/** Result of format sensitivity. */
import { printableLine } from '../../base/printable';
import {
  described,
  formatChangeSpec,
  type FormatChangeRow,
  type VegaLiteSpec
} from '../../base/charts';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted, layerName } from '../../base/protocol';
import { pictureBundle, type ResultTable } from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import { specSvg } from '../../show/still-svg';
import type {
  Estimate,
  FormatDocument,
  FormatEffect,
  FormatExpert
} from './format-document';

export class FormatSensitivity implements Displayable {
  readonly kinds: readonly FormatEffect[];
  readonly notes: readonly string[];

  constructor(private readonly _document: Omit<FormatDocument, 'schema'>) {
    this.kinds = _document.kinds;
    this.notes = _document.notes;
  }

  toJSON(): FormatDocument {
    return { schema: 'moe-debugger/formats@1', ...this._document };
  }

  toString(): string {
    const { toOtherText } = this._document;
    return [
      this._title,
      `to another text: ${estimateText(toOtherText)}`,
      ...this.kinds.map(kindText),
      ...this.notes.map(note => `note: ${note}`)
    ].join('\n');
  }

  /** The Vega-Lite specification of the changes by kind. */
  get spec(): VegaLiteSpec {
    return described(
      formatChangeSpec(
        this.kinds.flatMap(changeRows),
        this._document.toOtherText?.mean
      ),
      this._title
    );
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
    const { model, texts } = this._document;
    return `${printableLine(model)}: how far the routing of ${counted(texts, 'text')} moves with its format`;
  }

  private _table(): ResultTable {
    const layers = this.kinds.find(({ layers: own }) => own.length > 0)?.layers;
    return {
      title: this._title,
      columns: [
        'change',
        'texts',
        'moves',
        'low',
        'high',
        'arbitrary',
        'of arbitrary',
        'of another text',
        'kept tokens moved',
        'corrected p',
        'than arbitrary',
        'moves to or from',
        ...(layers ?? []).map(layerName)
      ],
      rows: this.kinds.map(own => [
        own.kind,
        own.texts,
        own.change?.mean ?? null,
        own.change?.low ?? null,
        own.change?.high ?? null,
        own.arbitrary?.mean ?? null,
        own.ofArbitrary?.mean ?? null,
        own.ofOtherText?.mean ?? null,
        own.kept?.change.mean ?? null,
        own.correctedP,
        own.reason ?? own.verdict,
        own.experts.slice(0, LISTED).map(expertGain).join(', '),
        ...(layers ?? []).map((_, i) => own.layers[i]?.change ?? null)
      ]),
      notes: this.notes
    };
  }
}

const NAME = 12;
const LISTED = 3;

function expertGain({ gain, expert, ...place }: FormatExpert): string {
  return `${layerName(place)} expert ${expert} (${gain > 0 ? '+' : ''}${percent(gain)})`;
}

function kindText(own: FormatEffect): string {
  const { kind, texts, change, arbitrary, kept, verdict, reason, experts } =
    own;
  if (change === null) {
    return `${kind.padEnd(NAME)} ${reason}`;
  }
  return [
    `${kind.padEnd(NAME)} moves ${estimateText(change)} of selections in ${counted(texts, 'text')}, an arbitrary change of as many tokens ${estimateText(arbitrary)}`,
    ...(kept
      ? [
          `kept tokens ${percent(kept.change.mean)} against ${percent(kept.arbitrary.mean)}`
        ]
      : []),
    verdict === 'unclear' ? `unclear: ${reason}` : `${verdict} than arbitrary`,
    ...(experts.length > 0
      ? [
          `to or from ${experts
            .slice(0, LISTED)
            .map(expertGain)
            .join(
              ', '
            )}${experts.length > LISTED ? ` and ${experts.length - LISTED} more` : ''}`
        ]
      : [])
  ].join('; ');
}

function estimateText(estimate: Estimate | null): string {
  if (estimate === null) {
    return 'unknown';
  }
  const { mean, low, high } = estimate;
  return low === null || high === null
    ? percent(mean)
    : `${percent(mean)} (${percent(low)} to ${percent(high)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function changeRows(own: FormatEffect): FormatChangeRow[] {
  return (['change', 'arbitrary'] as const).flatMap(what => {
    const estimate = own[what];
    return estimate === null
      ? []
      : [
          {
            kind: own.kind,
            what: what === 'change' ? 'format' : 'arbitrary change',
            share: estimate.mean,
            low: estimate.low ?? estimate.mean,
            high: estimate.high ?? estimate.mean
          }
        ];
  });
}
