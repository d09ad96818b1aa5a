/** Several models side by side: one document, table and picture. */
import { printableLine } from '../../base/printable';
import {
  described,
  modelsByDepthSpec,
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
import {
  COMPARED,
  type ComparedMeasure,
  type ComparedModel,
  type ComparisonDocument
} from './comparison-document';

const MEASURES = Object.keys(COMPARED) as ComparedMeasure[];

export class ModelComparison implements Displayable {
  readonly models: ComparisonDocument['models'];
  readonly aligned: ComparisonDocument['aligned'];
  readonly sameTokens: boolean | null;
  readonly warnings: readonly string[];

  constructor(private readonly _document: Omit<ComparisonDocument, 'schema'>) {
    this.models = _document.models;
    this.aligned = _document.aligned;
    this.sameTokens = _document.sameTokens;
    this.warnings = _document.warnings;
  }

  /** The Vega-Lite specification: each measure over depth, one line a model. */
  get spec(): VegaLiteSpec {
    return described(
      modelsByDepthSpec({
        title: this._title,
        models: this.models.map(({ name }) => name),
        measures: MEASURES.map(measure => COMPARED[measure]),
        rows: this.models.flatMap(({ name, layers }) =>
          layers.flatMap(layer =>
            MEASURES.flatMap(measure => {
              const value = layer[measure];
              return value === null
                ? []
                : [
                    {
                      model: name,
                      layer: layerName(layer),
                      depth: layer.depth,
                      measure: COMPARED[measure],
                      value
                    }
                  ];
            })
          )
        )
      })
    );
  }

  toJSON(): ComparisonDocument {
    return { schema: 'moe-debugger/comparison@1', ...this._document };
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

  toString(): string {
    return [
      this._title,
      ...this.models.map(modelText),
      ...this.aligned.map(({ stack, depth, layers }) =>
        [
          `depth ${depth.toFixed(2)}${stack ? ` of the ${stack}` : ''}:`,
          ...layers.flatMap((index, i) =>
            index === null ? [] : [`  ${this._layerText(i, index)}`]
          )
        ].join('\n')
      ),
      ...this.warnings.map(warning => `warning: ${warning}`)
    ].join('\n');
  }

  private get _title(): string {
    return `${this.models.map(({ name }) => printableLine(name)).join(', ')}: routing by depth`;
  }

  private _layerText(model: number, index: number): string {
    const { name, layers } = this.models[model];
    const layer = layers[index];
    const figures = MEASURES.flatMap(measure => {
      const value = layer[measure];
      return value === null ? [] : [`${COMPARED[measure]} ${value.toFixed(3)}`];
    });
    return `${printableLine(name)}, ${layerName(layer)}: ${figures.join(', ')}`;
  }

  /** A row for each model at each depth. */
  private _table(): ResultTable {
    return {
      title: this._title,
      columns: [
        'depth',
        'model',
        'layer',
        'experts',
        'topK',
        ...MEASURES.map(measure => COMPARED[measure])
      ],
      rows: this.aligned.flatMap(({ depth, layers }) =>
        layers.flatMap((index, i) => {
          if (index === null) {
            return [];
          }
          const { name, layers: own } = this.models[i];
          const layer = own[index];
          return [
            [
              depth,
              name,
              layerName(layer),
              layer.experts,
              layer.topK,
              ...MEASURES.map(measure => layer[measure])
            ]
          ];
        })
      ),
      notes: [
        ...this.models.map(modelText),
        ...this.warnings.map(warning => `warning: ${warning}`)
      ]
    };
  }
}

function modelText({
  name,
  blocks,
  layers,
  prompts,
  tokens
}: ComparedModel): string {
  return `${printableLine(name)}: ${counted(layers.length, 'router')} in ${counted(blocks, 'block')}, ${counted(prompts, 'prompt')}, ${counted(tokens, 'token')}`;
}
