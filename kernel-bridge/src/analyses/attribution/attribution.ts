/** What an attribution found, to look at and to hand on. */
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

  /** @param embeddings [tokens, width]: what each number of the embeddings is credited with; empty for occlusion */
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

  /** A line a token with a bar, then what it adds up to. */
  toString(): string {
    return describeAttribution(this.data);
  }

  [MIMEBUNDLE](): JsonObject {
    return { 'text/plain': this.toString() };
  }
}
