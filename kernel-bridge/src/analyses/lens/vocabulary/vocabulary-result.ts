/** What the experts of a layer say: lists, the experts of each token, and a matrix of experts by groups of tokens. */
import { printableLine } from '../../../base/printable';
import {
  described,
  matrixHeatmapSpec,
  type VegaLiteSpec
} from '../../../base/charts';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../../base/kernel-api';
import { counted, layerName } from '../../../base/protocol';
import { editText } from '../../../run/edits/edit-text';
import {
  pictureBundle,
  tableBundle,
  type ResultTable
} from '../../../show/result-table';
import { resultForms, saveResult } from '../../../show/save-result';
import { specSvg } from '../../../show/still-svg';
import type { ExpertSums } from './expert-sums';
import type { UntrainedTokens } from './untrained-tokens';
import type {
  ExpertWords,
  RaisedToken,
  RaisingExpert,
  VocabularyData
} from './vocabulary-data';
import {
  certainText,
  evidenceText,
  layerTable,
  strongestGroup,
  untrainedText,
  words
} from './vocabulary-tables';

export interface VocabularyDocument extends VocabularyData {
  schema: 'moe-debugger/vocabulary@1';
  model: string;
}

export class LayerVocabulary implements Displayable {
  readonly experts: readonly ExpertWords[];
  /** The tokens that any list of raised ones has, and the experts that raise each. */
  readonly tokens: readonly RaisedToken[];
  readonly untrained: UntrainedTokens;
  readonly notes: readonly string[];

  /** @internal use `model.layerVocabulary` */
  constructor(
    readonly model: string,
    private readonly _data: Omit<VocabularyData, 'tokens'>,
    private readonly _sums: ReadonlyMap<number, ExpertSums>,
    textOf: (id: number) => string | undefined
  ) {
    this.experts = _data.experts;
    this.untrained = _data.untrained;
    this.notes = _data.notes;
    const listed = this.experts.flatMap(({ raised }) =>
      raised.map(({ id }) => id)
    );
    this.tokens = [...new Set(listed)]
      .sort((a, b) => a - b)
      .map(id => {
        const text = textOf(id);
        return {
          id,
          ...(text === undefined ? {} : { text }),
          experts: this.expertsOf(id)
        };
      });
  }

  /** The experts that raise a token, strongest first; any token of the vocabulary can be asked about. */
  expertsOf(id: number): RaisingExpert[] {
    return [...this._sums]
      .map(([expert, sums]) => ({ expert, ...sums.of(id) }))
      .filter(({ contrast }) => contrast > 0)
      .sort((a, b) => b.contrast - a.contrast || a.expert - b.expert);
  }

  /** The Vega-Lite specification of experts by groups of tokens. */
  get spec(): VegaLiteSpec {
    const groups =
      this.experts.find(own => own.groups.length > 0)?.groups ?? [];
    const values = this.experts.flatMap(own =>
      groups.map((_, i) => own.groups[i]?.change ?? null)
    );
    const peak = values.reduce<number>(
      (most, value) => Math.max(most, Math.abs(value ?? 0)),
      0
    );
    return described(
      matrixHeatmapSpec({
        title: this._title,
        subtitle: 'how much each expert raises tokens of a group',
        x: { title: 'tokens', labels: groups.map(({ name }) => name) },
        y: {
          title: 'expert',
          labels: this.experts.map(({ expert }) => String(expert))
        },
        values,
        measure: 'nats',
        domain: [-(peak || 1), peak || 1]
      }),
      this._title
    );
  }

  toJSON(): VocabularyDocument {
    return {
      schema: 'moe-debugger/vocabulary@1',
      model: this.model,
      ...this._data,
      tokens: [...this.tokens]
    };
  }

  toString(): string {
    return [
      this._title,
      ...this.experts.flatMap(own => [
        `expert ${own.expert}, ${counted(own.tokens, 'token')}: raises ${words(own.raised) || 'nothing'}${certainText(own.raised)}`,
        `  lowers ${words(own.lowered) || 'nothing'}${certainText(own.lowered)}`,
        ...groupText(own),
        ...evidenceText(own.evidence).map(line => `  ${line}`),
        ...own.notes.map(note => `  note: ${note}`)
      ]),
      ...this._notes
    ].join('\n');
  }

  async [MIMEBUNDLE](): Promise<JsonObject> {
    return this.experts.some(({ groups }) => groups.length > 0)
      ? pictureBundle(this.spec, this._table(), this.toString())
      : tableBundle(this._table(), this.toString());
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
    const { contrastWith, of, prompts } = this._data;
    return `${printableLine(this.model)}, ${layerName(this._data)}: what experts say${contrastWith === null ? '' : `, against the mean of ${contrastWith}`}, ${counted(of, 'token')} of ${counted(prompts, 'prompt')}`;
  }

  private get _notes(): string[] {
    return [
      ...this._data.edits.map(edit => `edited, ${editText(edit)}`),
      untrainedText(this.untrained),
      ...this.notes
    ];
  }

  private _table(): ResultTable {
    return layerTable(this._title, this.experts, this._notes);
  }
}

function groupText({ groups }: ExpertWords): string[] {
  const group = strongestGroup(groups);
  return group !== undefined
    ? [`  most of the group ${group} nats`]
    : groups.length > 0
      ? ['  no group of tokens is raised for sure']
      : [];
}
