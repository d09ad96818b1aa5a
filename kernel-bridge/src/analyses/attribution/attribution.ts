/** Result of an attribution. */
import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle, type ResultTable } from '../../show/result-table';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import {
  describeAttribution,
  type AttributeDocument,
  type AttributedToken,
  type AttributionData
} from '../../base/protocol';

export class Attribution implements Displayable {
  readonly tokens: readonly AttributedToken[];
  readonly value: number;
  readonly baselineValue: number;
  readonly gap: number;

  /** @param embeddings [tokens, width]: attribution per embedding dimension; empty for occlusion */
  constructor(
    readonly data: AttributionData,
    readonly embeddings: Float32Array
  ) {
    this.tokens = data.tokens;
    this.value = data.value;
    this.baselineValue = data.baselineValue;
    this.gap = data.gap;
  }

  toJSON(): AttributeDocument {
    return { schema: 'moe-debugger/attribute@1', ...this.data };
  }

  /** One line per token with a bar, then the sum. */
  toString(): string {
    return describeAttribution(this.data);
  }

  /** The tokens coloured by their attribution, and the bars in text. */
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
    const largest = Math.max(
      ...this.tokens.map(({ attribution }) => Math.abs(attribution))
    );
    return {
      title: `what each token gives to the ${this.data.target.kind}`,
      columns: ['position', 'id', 'token', 'attribution'],
      rows: this.tokens.map(({ id, text, attribution }, position) => [
        position,
        id,
        text ?? null,
        attribution
      ]),
      tints: this.tokens.map(({ attribution }) =>
        largest > 0 ? attribution / largest : 0
      ),
      notes: [
        `${this.value} with the prompt, ${this.baselineValue} with the baseline; ${this.gap} of the difference is not in the sum`
      ]
    };
  }
}
