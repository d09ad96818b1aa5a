/** Result of an attribution. */
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

  [MIMEBUNDLE](): JsonObject {
    return { 'text/plain': this.toString() };
  }
}
